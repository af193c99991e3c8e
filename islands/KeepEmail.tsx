import { useEffect } from "preact/hooks";

/**
 * Remembers in this tab where the code was sent, and makes the page one that can be
 * reloaded: a phone may drop it while its owner reads the mail, and sending the form
 * again would ask for another code. Draws nothing.
 */
export default function KeepEmail({ email }: { email: string | null }) {
  useEffect(() => {
    if (email !== null) {
      sessionStorage.setItem("email", email);
      history.replaceState(null, "", location.pathname);
      return;
    }
    const field = document.getElementById("email") as HTMLInputElement | null;
    if (field !== null && field.value === "") {
      field.value = sessionStorage.getItem("email") ?? "";
      if (field.value !== "") document.getElementById("code")?.focus();
    }
  }, []);
  return null;
}
