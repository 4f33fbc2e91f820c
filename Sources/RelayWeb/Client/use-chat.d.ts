// Types of use-chat.js; those of the hook are in make-use-chat.d.ts.

import { makeUseChat, type UseChat } from "./make-use-chat.js";

export type { Chat, UseChat } from "./make-use-chat.js";
export { makeUseChat };
export const useChat: UseChat;
export default useChat;
