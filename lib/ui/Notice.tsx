import type { ComponentChildren } from "preact";

const LOOKS = {
  info: "alert-info",
  success: "alert-success",
  warning: "alert-warning",
  error: "alert-error",
} as const;

/** One thing the reader should know before the rest. Errors are announced at once. */
export function Notice(
  { tone = "info", children }: { tone?: keyof typeof LOOKS; children: ComponentChildren },
) {
  return (
    <div role={tone === "error" ? "alert" : "status"} class={`alert ${LOOKS[tone]} words`}>
      <p>{children}</p>
    </div>
  );
}
