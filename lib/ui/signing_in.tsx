// The two ways of being somebody: by a code to an address, or as a guest.

import { TextField } from "@/lib/ui/fields.tsx";

/** The address, and the button that mails a code there. For inside a form. */
export function EmailStep({ value }: { value?: string | null }) {
  return (
    <div class="space-y-4">
      <TextField
        name="email"
        label="Email"
        type="email"
        value={value ?? ""}
        required
        maxLength={254}
        autoComplete="email"
        inputMode="email"
      />
      <button type="submit" formaction="/login/code" class="btn btn-primary btn-block">
        Email me a code
      </button>
    </div>
  );
}

/** Going on without an address. For inside the same form. */
export function GuestStep() {
  return (
    <div>
      <div class="divider quiet my-5 text-sm">or</div>
      <button type="submit" formnovalidate class="btn btn-outline btn-block">
        Continue as guest
      </button>
      <p class="quiet mt-2 text-sm">
        A guest's sessions are known to this browser only. You can add an address afterwards.
      </p>
    </div>
  );
}
