import { health } from "@/lib/health.ts";
import { define } from "@/lib/state.ts";

export const handler = define.handlers({
  /** 200 when every part works, 503 with the names of those that do not. */
  async GET() {
    const parts = await health();
    const failing = Object.keys(parts).filter((name) => parts[name] === "failing");
    return Response.json({ ok: failing.length === 0, parts, failing }, {
      status: failing.length === 0 ? 200 : 503,
    });
  },
});
