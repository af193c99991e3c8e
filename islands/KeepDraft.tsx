import { useEffect } from "preact/hooks";
import { forgetDraft, keepDraft, openShelf, unsentDraft } from "@/lib/draft.ts";

/**
 * Keeps the named fields of a form in the browser until the form is sent, and puts back
 * what an earlier visit typed and did not send. Draws nothing: the form is the server's.
 */
export default function KeepDraft(
  { form, fields, name }: { form: string; fields: string[]; name: string },
) {
  useEffect(() => {
    const element = document.getElementById(form) as HTMLFormElement | null;
    const shelf = openShelf("localStorage");
    if (element === null || shelf === null) return;

    const unsent = unsentDraft(shelf, name);
    const controls = fields.map((field) =>
      element.elements.namedItem(field) as HTMLInputElement | HTMLTextAreaElement
    );
    for (const control of controls) {
      // What was typed before this script woke up is newer.
      const isUntouched = control.value === control.defaultValue;
      if (unsent !== null && isUntouched) control.value = unsent[control.name] ?? control.value;
    }

    const keep = () => {
      const typed = controls.map((control) => [control.name, control.value]);
      keepDraft(shelf, name, Object.fromEntries(typed));
    };
    const forget = () => forgetDraft(shelf, name);
    element.addEventListener("input", keep);
    element.addEventListener("submit", forget);
    return () => {
      element.removeEventListener("input", keep);
      element.removeEventListener("submit", forget);
    };
  }, []);
  return null;
}
