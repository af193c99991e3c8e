import { reloadScript } from "./reload_script.ts";

/** A page for developers that shows an error and its stack, and reloads when it may be gone. */
export function errorDocument(error: unknown): string {
  const title = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const details = error instanceof Error ? withCauses(error) : "";
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${
    escape(title)
  }</title><style>
body { margin: 0; padding: 2rem; font: 1rem/1.5 system-ui, sans-serif; color: #eee; background: #1b1b1f; }
h1 { color: #ff8f8f; font-size: 1.25rem; white-space: pre-wrap; }
pre { overflow-x: auto; font-size: .875rem; }
</style></head><body><h1>${escape(title)}</h1><pre>${escape(details)}</pre>
<script type="module">${reloadScript("")}</script></body></html>`;
}

function withCauses(error: Error): string {
  const cause = error.cause;
  return (error.stack ?? "") +
    (cause instanceof Error ? `\n\nCaused by ${withCauses(cause)}` : "");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(
    ">",
    "&gt;",
  );
}
