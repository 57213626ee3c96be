/**
 * Browsers that translate a page put `<font>` elements in the places of its text nodes. Who updates a text (Svelte does)
 * then writes into a node that nobody sees: a countdown stands still, a new place in the queue never shows. Here a text
 * that changes takes its place back, and the browser translates it anew. Returns how to stop.
 */
export function surviveTranslation(root: Node): () => void {
  const changes = new MutationObserver((records) => {
    for (const { target } of records) if (target instanceof Text) putBack(target);
  });
  const stands = new WeakMap<Text, Element>();

  function putBack(text: Text): void {
    const standIn = stands.get(text);
    if (text.isConnected || !standIn?.isConnected) return;
    stands.delete(text);
    standIn.replaceWith(text);
  }

  const replaced = new MutationObserver((records) => {
    for (const { addedNodes, removedNodes, previousSibling, nextSibling } of records) {
      // One step (replaceChild), or two: the new element beside the old text, then the text away.
      const standIn = [...addedNodes, previousSibling, nextSibling].find((node) => node instanceof Element && node.localName === "font");
      for (const text of removedNodes) {
        if (!(text instanceof Text) || text.isConnected || !(standIn instanceof Element)) continue;
        stands.set(text, standIn);
        changes.observe(text, { characterData: true });
      }
    }
  });
  replaced.observe(root, { childList: true, subtree: true });
  return () => {
    replaced.disconnect();
    changes.disconnect();
  };
}
