import * as kept from "../shell/kept";

/** Whether this desk uses keyboard shortcuts: on, until somebody switches them off. */
export const shortcutsWanted = (): boolean => kept.read("shortcuts") !== "off";

export const wantShortcuts = (on: boolean): void => kept.write("shortcuts", on ? "on" : "off");
