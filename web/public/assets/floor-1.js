// For browsers older than the ones that the pages are built for: in the language that all of them speak. Its name carries a
// number, since it is kept for ever; a change takes the next one.
(function () {
  var enough =
    typeof AbortSignal === "function" &&
    typeof AbortSignal.timeout === "function" &&
    typeof Array.prototype.findLastIndex === "function" &&
    typeof Object.hasOwn === "function" &&
    typeof HTMLDialogElement === "function" &&
    typeof BroadcastChannel === "function";
  var words = document.getElementById("too-old");
  if (enough) {
    words.parentNode.removeChild(words);
  } else {
    document.documentElement.className = "too-old";
    words.hidden = false;
  }
})();
