// The thread follows its end while the reader is there, and stays put when they have scrolled up.

const NEAR = 80;
const wrap = document.getElementById("thread-wrap");

export function isAtEnd() {
  return wrap !== null && wrap.scrollHeight - wrap.scrollTop - wrap.clientHeight < NEAR;
}

export function toEnd() {
  if (wrap) wrap.scrollTop = wrap.scrollHeight;
}

export function keepEnd(change) {
  const follow = isAtEnd();
  const result = change();
  if (follow) toEnd();
  return result;
}
