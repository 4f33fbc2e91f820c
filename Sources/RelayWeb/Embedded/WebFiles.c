#include "CWebFiles.h"

// `#embed` is of C23; clang knows it in every mode, and the dependencies of this file name what it embeds.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char app_address_js[] = {
#embed "../Client/app/address.js"
};
static const unsigned char app_attention_js[] = {
#embed "../Client/app/attention.js"
};
static const unsigned char app_dom_js[] = {
#embed "../Client/app/dom.js"
};
static const unsigned char app_gaps_js[] = {
#embed "../Client/app/gaps.js"
};
static const unsigned char app_host_js[] = {
#embed "../Client/app/host.js"
};
static const unsigned char app_incoming_js[] = {
#embed "../Client/app/incoming.js"
};
static const unsigned char app_main_js[] = {
#embed "../Client/app/main.js"
};
static const unsigned char app_page_js[] = {
#embed "../Client/app/page.js"
};
static const unsigned char app_press_js[] = {
#embed "../Client/app/press.js"
};
static const unsigned char app_requests_js[] = {
#embed "../Client/app/requests.js"
};
static const unsigned char app_session_js[] = {
#embed "../Client/app/session.js"
};
static const unsigned char app_state_commands_js[] = {
#embed "../Client/app/state/commands.js"
};
static const unsigned char app_state_conversations_js[] = {
#embed "../Client/app/state/conversations.js"
};
static const unsigned char app_state_drafts_js[] = {
#embed "../Client/app/state/drafts.js"
};
static const unsigned char app_state_left_rooms_js[] = {
#embed "../Client/app/state/left-rooms.js"
};
static const unsigned char app_state_status_js[] = {
#embed "../Client/app/state/status.js"
};
static const unsigned char app_state_text_js[] = {
#embed "../Client/app/state/text.js"
};
static const unsigned char app_state_thread_js[] = {
#embed "../Client/app/state/thread.js"
};
static const unsigned char app_state_times_js[] = {
#embed "../Client/app/state/times.js"
};
static const unsigned char app_state_window_js[] = {
#embed "../Client/app/state/window.js"
};
static const unsigned char app_store_js[] = {
#embed "../Client/app/store.js"
};
static const unsigned char app_typed_js[] = {
#embed "../Client/app/typed.js"
};
static const unsigned char app_view_bar_js[] = {
#embed "../Client/app/view/bar.js"
};
static const unsigned char app_view_composer_js[] = {
#embed "../Client/app/view/composer.js"
};
static const unsigned char app_view_conversation_js[] = {
#embed "../Client/app/view/conversation.js"
};
static const unsigned char app_view_dialogs_js[] = {
#embed "../Client/app/view/dialogs.js"
};
static const unsigned char app_view_people_js[] = {
#embed "../Client/app/view/people.js"
};
static const unsigned char app_view_rail_row_js[] = {
#embed "../Client/app/view/rail-row.js"
};
static const unsigned char app_view_rail_js[] = {
#embed "../Client/app/view/rail.js"
};
static const unsigned char app_view_rows_js[] = {
#embed "../Client/app/view/rows.js"
};
static const unsigned char app_view_thread_keys_js[] = {
#embed "../Client/app/view/thread-keys.js"
};
static const unsigned char app_view_thread_view_js[] = {
#embed "../Client/app/view/thread-view.js"
};
static const unsigned char app_view_toasts_js[] = {
#embed "../Client/app/view/toasts.js"
};
static const unsigned char examples_chat_html[] = {
#embed "../Client/examples/chat.html"
};
static const unsigned char examples_chat_js[] = {
#embed "../Client/examples/chat.js"
};
static const unsigned char icon_svg[] = {
#embed "../Client/icon.svg"
};
static const unsigned char index_html[] = {
#embed "../Client/index.html"
};
static const unsigned char make_use_chat_d_ts[] = {
#embed "../Client/make-use-chat.d.ts"
};
static const unsigned char make_use_chat_js[] = {
#embed "../Client/make-use-chat.js"
};
static const unsigned char martlet_client_d_ts[] = {
#embed "../Client/martlet-client.d.ts"
};
static const unsigned char martlet_client_js[] = {
#embed "../Client/martlet-client.js"
};
static const unsigned char package_json[] = {
#embed "../Client/package.json"
};
static const unsigned char style_base_css[] = {
#embed "../Client/style/base.css"
};
static const unsigned char style_composer_css[] = {
#embed "../Client/style/composer.css"
};
static const unsigned char style_frame_css[] = {
#embed "../Client/style/frame.css"
};
static const unsigned char style_overlays_css[] = {
#embed "../Client/style/overlays.css"
};
static const unsigned char style_rail_css[] = {
#embed "../Client/style/rail.css"
};
static const unsigned char style_thread_css[] = {
#embed "../Client/style/thread.css"
};
static const unsigned char use_chat_d_ts[] = {
#embed "../Client/use-chat.d.ts"
};
static const unsigned char use_chat_js[] = {
#embed "../Client/use-chat.js"
};

// A name for each, which is its path below the folder.
static const struct web_file files[] = {
    {"/app/address.js", app_address_js, sizeof app_address_js},
    {"/app/attention.js", app_attention_js, sizeof app_attention_js},
    {"/app/dom.js", app_dom_js, sizeof app_dom_js},
    {"/app/gaps.js", app_gaps_js, sizeof app_gaps_js},
    {"/app/host.js", app_host_js, sizeof app_host_js},
    {"/app/incoming.js", app_incoming_js, sizeof app_incoming_js},
    {"/app/main.js", app_main_js, sizeof app_main_js},
    {"/app/page.js", app_page_js, sizeof app_page_js},
    {"/app/press.js", app_press_js, sizeof app_press_js},
    {"/app/requests.js", app_requests_js, sizeof app_requests_js},
    {"/app/session.js", app_session_js, sizeof app_session_js},
    {"/app/state/commands.js", app_state_commands_js, sizeof app_state_commands_js},
    {"/app/state/conversations.js", app_state_conversations_js, sizeof app_state_conversations_js},
    {"/app/state/drafts.js", app_state_drafts_js, sizeof app_state_drafts_js},
    {"/app/state/left-rooms.js", app_state_left_rooms_js, sizeof app_state_left_rooms_js},
    {"/app/state/status.js", app_state_status_js, sizeof app_state_status_js},
    {"/app/state/text.js", app_state_text_js, sizeof app_state_text_js},
    {"/app/state/thread.js", app_state_thread_js, sizeof app_state_thread_js},
    {"/app/state/times.js", app_state_times_js, sizeof app_state_times_js},
    {"/app/state/window.js", app_state_window_js, sizeof app_state_window_js},
    {"/app/store.js", app_store_js, sizeof app_store_js},
    {"/app/typed.js", app_typed_js, sizeof app_typed_js},
    {"/app/view/bar.js", app_view_bar_js, sizeof app_view_bar_js},
    {"/app/view/composer.js", app_view_composer_js, sizeof app_view_composer_js},
    {"/app/view/conversation.js", app_view_conversation_js, sizeof app_view_conversation_js},
    {"/app/view/dialogs.js", app_view_dialogs_js, sizeof app_view_dialogs_js},
    {"/app/view/people.js", app_view_people_js, sizeof app_view_people_js},
    {"/app/view/rail-row.js", app_view_rail_row_js, sizeof app_view_rail_row_js},
    {"/app/view/rail.js", app_view_rail_js, sizeof app_view_rail_js},
    {"/app/view/rows.js", app_view_rows_js, sizeof app_view_rows_js},
    {"/app/view/thread-keys.js", app_view_thread_keys_js, sizeof app_view_thread_keys_js},
    {"/app/view/thread-view.js", app_view_thread_view_js, sizeof app_view_thread_view_js},
    {"/app/view/toasts.js", app_view_toasts_js, sizeof app_view_toasts_js},
    {"/examples/chat.html", examples_chat_html, sizeof examples_chat_html},
    {"/examples/chat.js", examples_chat_js, sizeof examples_chat_js},
    {"/icon.svg", icon_svg, sizeof icon_svg},
    {"/index.html", index_html, sizeof index_html},
    {"/make-use-chat.d.ts", make_use_chat_d_ts, sizeof make_use_chat_d_ts},
    {"/make-use-chat.js", make_use_chat_js, sizeof make_use_chat_js},
    {"/martlet-client.d.ts", martlet_client_d_ts, sizeof martlet_client_d_ts},
    {"/martlet-client.js", martlet_client_js, sizeof martlet_client_js},
    {"/package.json", package_json, sizeof package_json},
    {"/style/base.css", style_base_css, sizeof style_base_css},
    {"/style/composer.css", style_composer_css, sizeof style_composer_css},
    {"/style/frame.css", style_frame_css, sizeof style_frame_css},
    {"/style/overlays.css", style_overlays_css, sizeof style_overlays_css},
    {"/style/rail.css", style_rail_css, sizeof style_rail_css},
    {"/style/thread.css", style_thread_css, sizeof style_thread_css},
    {"/use-chat.d.ts", use_chat_d_ts, sizeof use_chat_d_ts},
    {"/use-chat.js", use_chat_js, sizeof use_chat_js},
};

size_t web_file_count(void) { return sizeof files / sizeof files[0]; }

struct web_file web_file_at(size_t index) { return files[index]; }
