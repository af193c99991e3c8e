// Reading what a form sent, whoever sent it.

import { Refusal } from "@/lib/db/refusals.ts";

/** No form of ours comes near it: 4,000 characters of text are 36 kB at their worst. */
const LARGEST_FORM_BYTES = 100_000;

/**
 * The named fields of a form, "" for those it did not send. Line ends are as the browser
 * counted them (a form sends two characters for one). Raises BADIN for what is no form,
 * TOOLG for a huge one.
 */
export async function formFields<Name extends string>(
  req: Request,
  ...names: Name[]
): Promise<Record<Name, string>> {
  const form = await readForm(req);
  return Object.fromEntries(names.map((name) => {
    const value = form.get(name);
    return [name, typeof value === "string" ? tidy(value) : ""];
  })) as Record<Name, string>;
}

async function readForm(req: Request): Promise<FormData> {
  const body = await readAtMost(LARGEST_FORM_BYTES, req);
  const headers = { "content-type": req.headers.get("content-type") ?? "" };
  return await new Response(body, { headers }).formData().catch(() => {
    throw new Refusal("BADIN");
  });
}

/** A request's body, read no further than it may be long. Raises TOOLG. */
export async function readAtMost(most: number, req: Request): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of req.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > most) throw new Refusal("TOOLG");
    chunks.push(chunk as Uint8Array<ArrayBuffer>);
  }
  return new Blob(chunks);
}

/** Postgres cannot hold a zero character. */
function tidy(value: string): string {
  return value.replaceAll("\r\n", "\n").replaceAll("\0", "");
}
