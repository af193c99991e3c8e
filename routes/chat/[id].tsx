import { page } from "fresh";
import { ChatPage } from "@/lib/live/ChatPage.tsx";
import { readChat, sessionIdIn } from "@/lib/messages.ts";
import { define } from "@/lib/state.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const chat = await readChat(ctx.state.login, sessionIdIn(ctx.params));
    return page({ chat }, { headers: { "cache-control": "no-store" } });
  },
});

export default define.page<typeof handler>(({ data }) => <ChatPage chat={data.chat} />);
