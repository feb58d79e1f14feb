/** Visible ASCII without spaces, so that an id can go into logs, headers and Kafka as it is. */
const idPattern = /^[\x21-\x7e]{1,128}$/;
const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether a text may serve as the id of a request or of a conversation. */
export function isTraceId(text: string | undefined): text is string {
  return text !== undefined && idPattern.test(text);
}

/** Whether a text has the form of a W3C trace context; another one is not handed on, for it could say anything. */
export function isTraceparent(text: string | undefined): text is string {
  return text !== undefined && traceparentPattern.test(text);
}
