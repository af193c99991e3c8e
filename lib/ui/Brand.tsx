/** The mark: a W that is a line with a signal on it. Decoration; the name stands beside it. */
export function Brand() {
  return (
    <svg viewBox="0 0 64 64" class="size-8 shrink-0" aria-hidden="true">
      <rect width="64" height="64" rx="15" fill="#0b5563" />
      <path
        d="M12 19l9 27 11-24 11 24 9-27"
        fill="none"
        stroke="#fff"
        stroke-width="6.5"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
      <circle cx="32" cy="22" r="5.5" fill="#f3b23a" />
    </svg>
  );
}
