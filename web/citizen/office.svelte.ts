import { bookingApi } from "$shared/api/booking";
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

  async load(slug: string, { again = false }: { again?: boolean } = {}): Promise<void> {
    if (slug === this.#slug && !again) return;
    this.#slug = slug;
    this.state = { kind: "loading" };
    try {
      const office = await bookingApi.office(slug);
      if (slug !== this.#slug) return;
      this.state = { kind: "ready", office };
      applyBranding(office.branding.accent);
    } catch (problem) {
      if (slug !== this.#slug) return;
      this.state = isProblem(problem) && problem.status === 404 ? { kind: "unknown" } : { kind: "failed", problem };
    }
  }

  /** Forgets the office, for pages above all offices. */
  leave(): void {
    this.#slug = "";
    this.state = { kind: "loading" };
    applyBranding(null);
  }
}

export const currentOffice = new CurrentOffice();
