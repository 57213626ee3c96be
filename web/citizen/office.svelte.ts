import { bookingApi } from "$shared/api/booking";
import { Latest } from "$shared/api/latest";
import { isProblem } from "$shared/api/problem";
import type { OfficeInfo } from "$shared/api/types";
import { applyBranding } from "$shared/ui/branding";

type State =
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly office: OfficeInfo }
  | { readonly kind: "unknown" }
  | { readonly kind: "failed"; readonly problem: unknown };

/** The office of the address, loaded once and shared by all of its pages. */
class CurrentOffice {
  state = $state<State>({ kind: "loading" });
  #slug = "";
  readonly #latest = new Latest();

  async load(slug: string, { again = false }: { again?: boolean } = {}): Promise<void> {
    if (slug === this.#slug && !again) return;
    this.#slug = slug;
    this.state = { kind: "loading" };
    await this.#latest.ask(() => bookingApi.office(slug), {
      answer: (office) => {
        this.state = { kind: "ready", office };
        applyBranding(office.branding.accent);
      },
      failure: (problem) => {
        this.state = isProblem(problem) && problem.status === 404 ? { kind: "unknown" } : { kind: "failed", problem };
      },
    });
  }

  /** Forgets the office, for pages above all offices. */
  leave(): void {
    this.#latest.drop();
    this.#slug = "";
    this.state = { kind: "loading" };
    applyBranding(null);
  }
}

export const currentOffice = new CurrentOffice();
