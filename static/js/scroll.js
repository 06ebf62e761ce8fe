// The thread follows its end while the reader is there, and stays put when they have scrolled up.

const NEAR = 80;
const wrap = document.getElementById("thread-wrap");

export function isAtEnd() {
  return wrap !== null && wrap.scrollHeight - wrap.scrollTop - wrap.clientHeight < NEAR;
}

export function toEnd() {
  if (wrap) wrap.scrollTop = wrap.scrollHeight;
}

const view = () => wrap ?? document.getElementById("board") ?? document.documentElement;

// How far the place that is being read is from the end, which what comes above it does not change.
export const distanceFromEnd = () => view().scrollHeight - view().scrollTop;

export function toDistanceFromEnd(distance) {
  view().scrollTop = view().scrollHeight - distance;
}

export function keepEnd(change) {
  const follow = isAtEnd();
  const result = change();
  if (follow) toEnd();
  return result;
}
