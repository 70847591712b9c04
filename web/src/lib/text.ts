// How numbers and tokens are written.
const SHOWN: Record<string, string> = {
  "\n": "⏎",
  "\t": "⇥",
  "\r": "␍",
  "\u00a0": "⍽",
  "\u200b": "∅",
};

/** A token with its spaces and line breaks visible: a space is ␣ at either end, · would be a token. */
export function visible(token: string): string {
  return token
    .replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length))
    .replace(/[\n\t\r\u00a0\u200b]/g, (character) => SHOWN[character])
    .replace(
      /[\u0000-\u001f\u007f-\u009f]/g,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
}

export function number(value: number | null | undefined, digits = 2): string {
  if (value == null || Number.isNaN(value)) return "–";
  if (value !== 0 && Math.abs(value) < 0.5 * 10 ** -digits)
    return value.toExponential(1).replaceAll("-", "−");
  return value.toFixed(digits).replace("-", "−");
}

/** A number beside others of its kind: with its sign, and what is too small to be seen as zero. */
export function signed(value: number | null | undefined, digits = 1): string {
  if (value == null || Number.isNaN(value)) return "–";
  const written = value.toFixed(digits).replace("-", "−");
  if (!/[1-9]/.test(written)) return (0).toFixed(digits);
  return value > 0 ? `+${written}` : written;
}

export const count = (value: number) => value.toLocaleString("en-US");

export const percent = (share: number | null | undefined, digits = 1) =>
  share == null ? "–" : `${(100 * share).toFixed(digits)} %`;

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** 10 to a power, as p- and q-values are kept: 0.012, 3·10⁻⁸. */
export function power(log10: number | null | undefined): string {
  if (log10 == null || Number.isNaN(log10)) return "–";
  if (log10 > -3) return (10 ** log10).toFixed(3);
  // What rounds to ten of one power is one of the next.
  const whole = Math.floor(log10 + Math.log10(10 / 9.5));
  const front = Math.max(1, Math.round(10 ** (log10 - whole)));
  const digits = String(-whole).replace(/\d/g, (digit) => SUPERSCRIPT[Number(digit)]);
  return `${front}·10⁻${digits}`;
}

const SILENT = ["no known set", "as random directions do"];

/** Whether a label names nothing, and only repeats the outermost tokens. */
export const isSilent = (label: string) => SILENT.some((start) => label.startsWith(start));
