// Light or dark: as the system says, or as was chosen here.
const CHOICES = ["system", "light", "dark"] as const;
type Choice = (typeof CHOICES)[number];
const KEY = "unembed-theme";

function stored(): Choice {
  try {
    const found = localStorage.getItem(KEY) as Choice | null;
    return found && CHOICES.includes(found) ? found : "system";
  } catch {
    return "system";
  }
}

class Theme {
  choice = $state<Choice>(stored());
  /** Counts changes, so that canvases know when to draw again. */
  version = $state(0);

  constructor() {
    this.apply();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.version++);
  }

  get sign(): string {
    return { system: "◐", light: "☀", dark: "☾" }[this.choice];
  }

  next = () => {
    this.choice = CHOICES[(CHOICES.indexOf(this.choice) + 1) % CHOICES.length];
    this.apply();
    this.version++;
    try {
      localStorage.setItem(KEY, this.choice);
    } catch {
      // A page in a file may keep nothing; the choice holds as long as it is open.
    }
  };

  private apply() {
    document.documentElement.dataset.theme = this.choice;
  }
}

export const theme = new Theme();

/** The value of a colour of app.css, such as `--promotes`, as it is now. */
export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** The colour of each class. */
export const CLASS_COLOURS: Record<string, string> = {
  prediction: "--promotes",
  suppression: "--suppresses",
  "two-sided": "--both",
  partition: "--partition",
  diffuse: "--neither",
  dead: "--faint",
  flat: "--line",
};
