/** What is called under the path of a transport. */
export const STREAM_PATH = '/stream'
export const QUESTION_PATH = '/ask'
