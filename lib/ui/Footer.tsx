/** The foot of every page: what is promised, and what is not. */
export function Footer() {
  return (
    <footer class="border-t border-base-300 bg-base-100 print:hidden">
      <div class="quiet mx-auto grid w-full max-w-6xl gap-x-10 gap-y-2 px-4 py-6 text-sm sm:grid-cols-2 sm:px-6">
        <p>If no mechanic joins your session, you get all of your money back.</p>
        <p>
          Advice from afar has limits. If your car may not be safe, leave it where it is and have it
          collected.
        </p>
      </div>
    </footer>
  );
}
