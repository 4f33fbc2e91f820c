// use-chat.js: the hook useChat, where "react" can be imported: in Node, in a bundler, in a page with an import map.

import * as React from "react";
import { makeUseChat } from "./make-use-chat.js";

// A React in CommonJS has its exports in `default` where the names cannot be told beforehand.
export const useChat = makeUseChat(React.useSyncExternalStore ? React : React.default);
export { makeUseChat };
export default useChat;
