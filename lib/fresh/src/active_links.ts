/** Marks a link to the page that is shown, or to one above it, in its element's props. */
export function markActive(props: Record<string, unknown>, pathname: string): void {
  const { href } = props;
  if (typeof href !== "string" || !href.startsWith("/") || href.startsWith("//")) return;
  if (href === pathname) {
    props["data-current"] = "true";
    props["aria-current"] ??= "page";
  } else if (href === "/" || pathname.startsWith(`${href}/`)) {
    props["data-ancestor"] = "true";
    props["aria-current"] ??= "true";
  }
}
