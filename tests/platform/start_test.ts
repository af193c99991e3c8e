import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "@/lib/commands/project.ts";

const SAYS_ITS_ADDRESS = /Wrenchline is at (http:\/\/localhost:\d+)/;

Deno.test("start runs in a fresh folder, says what one must know, and stops cleanly", async (t) => {
  await using folder = await freshFolder();

  await t.step("it serves, and names the mechanics, the database and the card", async () => {
    const app = start(folder.path);
    const said = await app.says(/4242 4242 4242 4242/);
    for (const part of [/marco@wrenchline\.test/, /nadia@wrenchline\.test/, /\/dev\/mail/]) {
      assert.match(said, part);
    }
    assert.match(said, /psql postgres:\/\/wrenchline_dba:[\w-]+@127\.0\.0\.1:\d+\/wrenchline/);
    const healthy = await fetch(`${await app.address()}/healthz`);
    assert.equal(healthy.status, 200, await healthy.text());

    const pidFile = join(folder.path, ".data", "postgres", "postmaster.pid");
    assert.ok(await Deno.stat(pidFile));
    const asked = performance.now();
    assert.equal(await app.end("SIGINT"), 0, await app.says(/^/));
    assert.ok(performance.now() - asked < 5_000);
    await assert.rejects(Deno.stat(pidFile), Deno.errors.NotFound);
  });

  await t.step("a second one in the same folder says which process is in its way", async () => {
    const app = start(folder.path);
    await app.address();
    const second = start(folder.path);
    assert.notEqual(await second.ended(), 0);
    assert.match(await second.says(/in use/), new RegExp(`in use by process ${app.pid}\\b`));
    assert.equal((await fetch(await app.address())).status, 200);
    await app.end("SIGTERM");
  });

  await t.step("killed outright, it leaves nothing in the way of the next", async () => {
    const app = start(folder.path);
    await app.address();
    await app.end("SIGKILL");
    const next = start(folder.path);
    const answer = await fetch(await next.address());
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
    await next.end("SIGTERM");
  });

  await t.step("a port that was asked for and is taken is refused, with its holder", async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const app = start(folder.path, { PORT: String(taken.addr.port) });
    assert.equal(await app.ended(), 1);
    const said = await app.says(/is taken/);
    assert.match(said, new RegExp(`Port ${taken.addr.port} is taken by process ${Deno.pid}\\b`));
  });

  await t.step("the usual port being taken, it takes another and says so", async () => {
    using _taken = takeUsualPort();
    const app = start(folder.path);
    assert.doesNotMatch(await app.address(), /:8000$/);
    assert.match(await app.says(/\(port 8000 is taken/), SAYS_ITS_ADDRESS);
    await app.end("SIGTERM");
  });

  await t.step("half a configuration is refused, and each missing variable named", async () => {
    const app = start(folder.path, { STRIPE_SECRET_KEY: "sk_test_1" });
    assert.equal(await app.ended(), 1);
    const said = await app.says(/STRIPE_PRICE_DIAGNOSTIC is missing/);
    assert.match(said, /STRIPE_WEBHOOK_SECRET is missing/);
    assert.doesNotMatch(said, /DATABASE_URL/);
  });
});

/** The project as it comes out of a clone, with the packages that are here already. */
async function freshFolder() {
  const path = await Deno.makeTempDir({ prefix: "wrenchline-start-" });
  await Deno.chmod(path, 0o711); // under root the database stays in it, and goes with it
  for (const name of ["deno.json", "deno.lock", "fresh.config.ts", "main.ts"]) {
    await Deno.copyFile(join(ROOT, name), join(path, name));
  }
  for (const name of ["routes", "islands", "lib", "sql"]) {
    await run("cp", ["-r", join(ROOT, name), path]);
  }
  await Deno.symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
  return { path, [Symbol.asyncDispose]: () => run("rm", ["-rf", path]) };
}

async function run(command: string, args: string[]): Promise<void> {
  assert.ok((await new Deno.Command(command, { args }).output()).success);
}

/** A terminal in which `start` runs. */
function start(cwd: string, env: Record<string, string> = {}) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "lib/commands/start.ts"],
    cwd,
    clearEnv: true,
    env: { ...environmentWithoutOurs(), ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  let heard = Promise.withResolvers<void>();
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      said += text;
      heard.resolve();
      heard = Promise.withResolvers();
    }
  });
  const over = Promise.all(reading).then(() => child.status);
  return {
    pid: child.pid,
    async says(words: RegExp): Promise<string> {
      while (!words.test(said)) {
        const next = await Promise.race([heard.promise, over]);
        if (next && !words.test(said)) assert.fail(`it ended having said:\n${said}`);
      }
      return said;
    },
    async address(): Promise<string> {
      return SAYS_ITS_ADDRESS.exec(await this.says(SAYS_ITS_ADDRESS))![1];
    },
    async ended(): Promise<number> {
      return (await over).code;
    },
    async end(signal: Deno.Signal): Promise<number> {
      child.kill(signal);
      return (await over).code;
    },
  };
}

/** Whoever runs the tests may have configured something. */
function environmentWithoutOurs(): Record<string, string> {
  const ours = /^(PORT|PUBLIC_URL|SMTP_URL|MAIL_FROM|STRIPE_\w+|WRENCHLINE_\w+|\w*DATABASE_URL)$/;
  return Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !ours.test(name)),
  );
}

function takeUsualPort(): Disposable {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port: 8000 });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return { [Symbol.dispose]() {} }; // as good
    throw error;
  }
}
