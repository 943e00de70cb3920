//! What the outside is told: one [`Public`] per code, shared by the reasons that must look alike from outside.
//!
//! Owns codes, HTTP status, close codes and the customer's words. Never names a node, an address or a cause that would
//! help an attacker. Rules A and B of the hostile-inputs reference.

/// One public face: everything a browser may learn about a refusal or an end.
#[derive(Debug, PartialEq, Eq)]
pub struct Public {
    /// The stable word in problem details, close reasons and documentation.
    pub code: &'static str,
    /// HTTP status while HTTP can still answer.
    pub status: u16,
    /// WebSocket close code once the upgrade is done.
    pub close: u16,
    /// Whether the page may try again by itself.
    pub retryable: bool,
    /// Whether a session that ended so may be resumed: by the page itself or by its button. Where not, only a new link
    /// from the panel opens a console. Where nothing was spent yet, the token at hand stays good.
    pub may_return: bool,
    /// A few plain words for the customer.
    pub title: &'static str,
    /// What the customer can do.
    pub detail: &'static str,
}

const fn public(
    code: &'static str,
    status: u16,
    close: u16,
    next: Next,
    title: &'static str,
    detail: &'static str,
) -> Public {
    let (retryable, may_return) = match next {
        Next::Retry => (true, true),
        Next::Offer => (false, true),
        Next::Stop => (false, false),
    };
    Public { code, status, close, retryable, may_return, title, detail }
}

/// What the page may do next with the token at hand.
enum Next {
    /// Come back by itself.
    Retry,
    /// Come back when the person asks for it.
    Offer,
    /// Nothing: a limit, a kill or a refusal must not be undone by reconnecting.
    Stop,
}

const RETRY: Next = Next::Retry;
const OFFER: Next = Next::Offer;
const STOP: Next = Next::Stop;
const AGAIN: &str = "Open the console again from your panel.";
const ACCEPTED: &str = "This console link was not accepted";
const TELL: &str = "Open the console again from your panel. If it comes again, give your provider the reference below.";

macro_rules! faces {
    ($($name:ident = $($argument:expr),+;)+) => {
        $(pub(super) static $name: Public = public($($argument),+);)+
    };
}

faces! {
    TOKEN_REJECTED = "token_rejected", 401, 4401, STOP, ACCEPTED, TELL;
    TOKEN_AMBIGUOUS = "ambiguous_token", 400, 4401, STOP, ACCEPTED,
        "Send the token in exactly one place.";
    TOKEN_EXPIRED = "token_expired", 401, 4401, STOP, "This console link has expired", AGAIN;
    TOKEN_EARLY = "token_not_yet_valid", 401, 4401, STOP, "This console link is not valid yet",
        "The clocks of the panel and the gateway disagree; your provider can synchronise them.";
    TOKEN_INVALID = "token_invalid", 401, 4401, STOP, ACCEPTED, TELL;
    TOKEN_SCOPE = "token_out_of_scope", 401, 4401, STOP, "This console link is for another machine",
        "Your provider's panel may not open this machine here.";
    TOKEN_USED = "token_used", 401, 4409, STOP, "This console link was already used", AGAIN;
    TOKEN_OLD = "token_before_start", 401, 4401, STOP, "This console link was made before the console service restarted",
        AGAIN;
    TOKEN_ASSURANCE = "stronger_login_needed", 401, 4401, STOP, "A stronger login is needed",
        "Sign in to your panel with a second factor, then open the console again.";
    TOKEN_BOUND = "token_bound_elsewhere", 401, 4401, STOP, "This console link is for another page", AGAIN;
    TOKEN_REVOKED = "revoked", 401, 4403, STOP, "Access was withdrawn", AGAIN;
    RESUME_EXPIRED = "resume_expired", 401, 4401, STOP, "This console needs a new link", AGAIN;
    ORIGIN = "origin_refused", 403, 4401, STOP, "This page may not open consoles", AGAIN;

    BAD_REQUEST = "bad_request", 400, 1002, STOP, "The request was not understood",
        "Use the console page, or a client that follows the documentation.";
    NOT_FOUND = "not_found", 404, 1002, STOP, "There is nothing here", "Check the address.";
    METHOD = "method_not_allowed", 405, 1002, STOP, "This method is not allowed here",
        "Use the method the documentation names.";
    UPGRADE = "upgrade_required", 426, 1002, STOP, "This address speaks WebSocket",
        "Connect with a WebSocket client, version 13.";
    HOST = "misdirected", 421, 1002, STOP, "This gateway has another name", "Use the gateway's public address.";
    TOO_LARGE = "request_too_large", 431, 1009, STOP, "The request is too large",
        "Shorten the request; a token is at most 4 KiB.";
    EXPECTATION = "expectation_failed", 417, 1002, STOP, "The request asks for something that is not offered",
        "Leave the Expect header out.";
    REQUEST_TIMEOUT = "request_timeout", 408, 1002, RETRY, "The request took too long", "Try again.";

    OVERLOADED = "overloaded", 503, 1013, RETRY, "The console service is busy", "It is tried again in a moment.";
    DRAINING = "restarting", 503, 1012, RETRY, "The console service is being updated",
        "It reconnects in a moment.";
    GOING_AWAY = "going_away", 503, 1001, RETRY, "The console service is stopping", "Try again in a minute.";
    INTERNAL = "internal", 500, 1011, STOP, "Something went wrong on our side", TELL;

    LIMIT_GUEST = "limit_guest", 429, 4429, OFFER, "Too many consoles of this machine are open",
        "Close another console of this machine first.";
    LIMIT_SUBJECT = "limit_subject", 429, 4429, OFFER, "You have too many consoles open",
        "Close another console first.";
    LIMIT_NODE = "limit_node", 429, 4429, OFFER, "Too many consoles are open on this host", "Try again in a minute.";
    LIMIT_CLIENT = "limit_client", 429, 4429, OFFER, "Too many connections from your address",
        "Try again in a minute.";

    POWER_REFUSED = "power_refused", 403, 1008, STOP, "This console cannot switch the machine",
        "Start, stop or reset it in your panel.";
    POWER_PACE = "power_pace", 429, 4429, STOP, "The machine was switched a moment ago",
        "Wait two seconds, then try again.";

    CLOSED = "closed", 200, 1000, OFFER, "The console was closed", AGAIN;
    GUEST_ENDED = "guest_ended", 200, 1000, OFFER, "The machine ended the console", AGAIN;
    NO_TERMINAL = "no_terminal", 200, 1000, STOP, "This machine has no text console",
        "Open its graphical console from your panel, or ask your provider for a text console.";
    IDLE = "idle", 200, 4408, STOP, "The console was closed because it was idle", AGAIN;
    LIFETIME = "session_over", 200, 4410, STOP, "The longest session time is reached", AGAIN;
    KILLED = "killed", 200, 4403, STOP, "Your provider closed this console", AGAIN;
    TAKEN_OVER = "taken_over", 200, 4409, STOP, "This console was opened elsewhere",
        "It goes on in the other window.";
    STALLED = "too_slow", 200, 4508, RETRY, "The connection was too slow for too long", "It reconnects in a moment.";

    PROTOCOL = "protocol_error", 400, 1002, STOP, "The browser and the gateway misunderstood each other", AGAIN;
    FRAME_TYPE = "unsupported_data", 400, 1003, STOP, "This kind of message is not used here", AGAIN;
    UTF8 = "invalid_text", 400, 1007, STOP, "A message held invalid text", AGAIN;
    POLICY = "policy", 400, 1008, STOP, "The console was used in a way that is not allowed", AGAIN;
    TOO_BIG = "message_too_big", 400, 1009, STOP, "A message was too large", AGAIN;

    GUEST_NOT_FOUND = "guest_not_found", 404, 4404, STOP, "The machine was not found",
        "It may have been removed; look in your panel.";
    GUEST_STOPPED = "guest_stopped", 409, 4423, RETRY, "The machine is powered off",
        "Start it in your panel; the console connects by itself.";
    GUEST_LOCKED = "guest_locked", 409, 4423, RETRY, "The machine is busy with a task",
        "Wait until the backup or migration is done; the console connects by itself.";

    HOST_REFUSED = "host_refused", 502, 4502, RETRY, "The machine's host refused the console",
        "It is tried again; if it stays so, tell your provider the reference below.";
    HOST_DOWN = "host_unreachable", 503, 4503, RETRY, "The machine's host cannot be reached",
        "It is tried again; if it stays so, tell your provider the reference below.";
    HOST_SLOW = "host_too_slow", 504, 4504, RETRY, "The machine's host is too slow to answer",
        "It is tried again; if it stays so, tell your provider the reference below.";
}
