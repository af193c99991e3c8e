import type { ComponentChildren } from "preact";

const WIDTHS = { narrow: "max-w-lg", text: "max-w-3xl", wide: "max-w-6xl" } as const;

/** The column a page's content stands in. */
export function Frame(
  { width = "text", children }: { width?: keyof typeof WIDTHS; children: ComponentChildren },
) {
  return <div class={`mx-auto w-full px-4 py-8 sm:px-6 sm:py-12 ${WIDTHS[width]}`}>{children}</div>;
}
