import { useEffect } from "preact/hooks";
import { openShelf } from "@/lib/draft.ts";

/**
 * Remembers in this tab which code was sent where, and makes the page one that can be
 * reloaded: a phone may drop it while its owner reads the mail, and sending the form
 * again would ask for another code. Draws nothing.
 */
export default function KeepEmail({ email, asked }: { email: string | null; asked: string }) {
  useEffect(() => {
    const shelf = openShelf("sessionStorage");
    if (shelf === null) return;
    if (email !== null) {
      shelf.setItem("email", email);
      if (asked !== "") shelf.setItem("asked", asked);
      history.replaceState(null, "", location.pathname);
      return;
    }
    const field = document.getElementById("email") as HTMLInputElement | null;
    if (field !== null && field.value === "") {
      field.value = shelf.getItem("email") ?? "";
      const code = document.getElementById("asked") as HTMLInputElement | null;
      if (code !== null) code.value = shelf.getItem("asked") ?? "";
      if (field.value !== "") document.getElementById("code")?.focus();
    }
  }, []);
  return null;
}
