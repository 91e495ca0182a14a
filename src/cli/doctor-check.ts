/** One line of `hermes doctor`; a `warning` keeps nothing from working. */
export interface DoctorCheck {
  name: string;
  status: "ok" | "warning" | "problem";
  message: string;
  hint?: string;
}
