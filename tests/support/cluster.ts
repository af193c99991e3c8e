import { startEmbedded } from "@/lib/db/embedded.ts";

// Started while modules load, and not inside a test, which would be blamed for leaving it running.
const given = Deno.env.get("TEST_CLUSTER_URL");
const adminUrl = given ?? await startOne();

/** The Postgres that tests make their databases in: `deno task test`'s, or one of this process. */
export function testCluster(): Promise<{ adminUrl: string }> {
  return Promise.resolve({ adminUrl });
}

async function startOne(): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "wrenchline-test-" });
  const embedded = await startEmbedded({ dir, fleeting: true });
  // It stops and empties itself when this process ends; what is left is the folder.
  addEventListener("unload", () => removeQuietly(dir));
  return embedded.adminUrl;
}

function removeQuietly(dir: string): void {
  try {
    Deno.removeSync(dir, { recursive: true });
  } catch {
    // Postgres may still be writing its farewell there.
  }
}
