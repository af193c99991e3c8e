import assert from "node:assert/strict";
import { brokenSeals } from "@/lib/db/seal.ts";

Deno.test("no migration was changed after it was sealed", async () => {
  assert.deepEqual(await brokenSeals(), []);
});
