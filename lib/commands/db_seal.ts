/** `deno task db:seal`: seals the migrations there are, which from then on never change. */
import { seal } from "../db/seal.ts";

const sealed = await seal();
console.log(`${sealed} migrations are sealed in sql/migrations.sha256.`);
