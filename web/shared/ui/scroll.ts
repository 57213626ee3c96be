import type { Attachment } from "svelte/attachments";

/** For a row to swipe along: says in `data-before` and `data-after` whether there is more on that side (app.css fades it). */
export const swiped: Attachment<HTMLElement> = (row) => {
  const look = (): void => {
    const { scrollLeft, scrollWidth, clientWidth } = row;
    row.toggleAttribute("data-before", scrollLeft > 1);
    row.toggleAttribute("data-after", scrollLeft + clientWidth < scrollWidth - 1);
  };
  const watch = new ResizeObserver(look);
  watch.observe(row);
  row.addEventListener("scroll", look, { passive: true });
  row.classList.add("app-swiped");
  return () => {
    watch.disconnect();
    row.removeEventListener("scroll", look);
  };
};
