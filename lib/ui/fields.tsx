// The pieces forms are made of: a label above, what helps below, and the field between.

/** One line of text. */
export function TextField(
  { name, label, hint, ...input }: {
    name: string;
    label: string;
    hint?: string;
    type?: "text" | "email";
    value?: string;
    required?: boolean;
    maxLength?: number;
    inputMode?: "numeric" | "email" | "text";
    autoComplete?: string;
    autoFocus?: boolean;
    pattern?: string;
    title?: string;
    placeholder?: string;
    class?: string;
  },
) {
  return (
    <div>
      <label for={name} class="block font-semibold">{label}</label>
      <input
        {...input}
        id={name}
        name={name}
        class={`input mt-1.5 w-full ${input.class ?? ""}`}
        aria-describedby={hint && `${name}-hint`}
      />
      {hint && <Hint name={name} words={hint} />}
    </div>
  );
}

/** Several lines of text. */
export function TextArea(
  { name, label, hint, value, ...area }: {
    name: string;
    label: string;
    hint?: string;
    value?: string;
    rows?: number;
    maxLength?: number;
  },
) {
  return (
    <div>
      <label for={name} class="block font-semibold">{label}</label>
      <textarea
        {...area}
        id={name}
        name={name}
        class="textarea mt-1.5 w-full"
        aria-describedby={hint && `${name}-hint`}
      >
        {value}
      </textarea>
      {hint && <Hint name={name} words={hint} />}
    </div>
  );
}

function Hint({ name, words }: { name: string; words: string }) {
  return <p id={`${name}-hint`} class="quiet mt-1 text-sm">{words}</p>;
}
