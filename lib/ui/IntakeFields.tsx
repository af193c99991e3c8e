import { COMPLAINT_LIMIT, type IntakeView, VEHICLE_LIMIT } from "@/lib/intakes.ts";
import { TextArea, TextField } from "@/lib/ui/fields.tsx";

/** What the mechanic would like to know beforehand. */
export function IntakeFields({ intake }: { intake: IntakeView | null }) {
  return (
    <fieldset class="grid gap-5">
      <legend class="text-xl font-semibold">Your car</legend>
      <p class="quiet mt-1">All of this is optional. It saves minutes of your session.</p>
      <TextField
        name="vehicle"
        label="Vehicle"
        hint="Make, model, year and engine, as far as you know them."
        value={intake?.vehicle ?? ""}
        maxLength={VEHICLE_LIMIT}
        autoComplete="off"
      />
      <TextArea
        name="complaint"
        label="What does it do?"
        hint="What you see, hear or smell, when it happens, and since when."
        value={intake?.complaint ?? ""}
        maxLength={COMPLAINT_LIMIT}
        rows={5}
      />
    </fieldset>
  );
}
