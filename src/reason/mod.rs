//! Why something was refused or ended: one closed list.
//!
//! [`Reason`] alone decides problem code, HTTP status, close code, metric label, audit word, log level and whether the
//! page may retry. Nothing else chooses any of these. Each reason has one [`Public`] face; several
//! reasons may share a face where telling them apart would help an attacker.

mod public;

use crate::random::NoRandomness;
use public as face;
pub use public::Public;
use std::fmt;

/// How loudly a reason is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A peer's doing: normal business.
    Info,
    /// A node's or the operator's doing: somebody should look.
    Warn,
    /// Our own bug.
    Error,
}

macro_rules! reasons {
    ($($name:ident $word:literal $public:ident $level:ident $cure:literal;)+) => {
        /// Why a request was refused or a session ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $(#[doc = $cure] $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in logs, the audit log and metric labels.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What the outside is told.
            #[must_use]
            pub fn public(self) -> &'static Public {
                match self { $(Self::$name => &face::$public,)+ }
            }

            /// How loudly it is logged.
            #[must_use]
            pub const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)+ }
            }

            /// Cause and cure, for the operator.
            #[must_use]
            pub const fn cure(self) -> &'static str {
                match self { $(Self::$name => $cure,)+ }
            }
        }
    };
}

reasons! {
    TokenMissing "missing" TOKEN_REJECTED Info "no token came with the request; the panel must pass it in the fragment, the Authorization header or the subprotocol, an operator an [[admin.token]] in the Authorization header";
    TokenMalformed "malformed" TOKEN_REJECTED Info "sign a compact JWT: three base64url parts without padding, at most 4 KiB, no key twice";
    TokenAmbiguous "ambiguous" TOKEN_AMBIGUOUS Info "the token came twice or in two places; send it once";
    TokenAlgorithm "alg" TOKEN_REJECTED Info "sign with the algorithm of the issuer's key, or configure the key with the one the panel uses";
    TokenSignature "signature" TOKEN_REJECTED Info "the signature is wrong; compare the secret of the panel with the issuer's key: the same bytes, no line break at the end";
    TokenKeyId "kid" TOKEN_REJECTED Info "add an [[issuer.key]] with this id, or let the panel name one there is";
    KeysStale "keys_stale" TOKEN_REJECTED Warn "the issuer's jwks_url has given no good key set for too long; see that it answers the gateway (warnings before this line say what it does instead) and issuer.jwks_max_stale_seconds";
    TokenHeader "header" TOKEN_REJECTED Info "leave it out: a header has alg, kid and typ, and never a key, an address of one or a critical extension";
    TokenIssuer "issuer" TOKEN_REJECTED Info "set iss to the name of an [[issuer]], or configure one of that name";
    TokenIssuerKey "issuer_key" TOKEN_REJECTED Info "sign with a key of the issuer that iss names";
    TokenType "type" TOKEN_REJECTED Info "set typ to JWT; a token that was made for another purpose is not taken";
    TokenClaimType "claim_type" TOKEN_INVALID Info "correct the claim in the panel; EMBED.md lists every claim with its type";
    TokenClaimValue "claim_value" TOKEN_INVALID Info "correct the value in the panel, or configure what it names; EMBED.md lists every claim with its range";
    TokenKind "kind" TOKEN_INVALID Info "use a kind that the issuer's kinds have, and protocol vnc or term";
    TokenPlaintextSecret "plaintext_secret" TOKEN_INVALID Warn "the token carries a ticket, password, host or address in clear; the panel must never put these in";
    TokenAudience "audience" TOKEN_INVALID Info "set aud to the issuer's audience, one text and no list";
    TokenLifetime "lifetime" TOKEN_INVALID Info "let iat be now and exp at most max_token_seconds later, in seconds; check the clocks of panel and gateway (NTP)";
    TokenExpired "expired" TOKEN_EXPIRED Info "the token expired before it came; check the clocks of panel and gateway (NTP)";
    TokenNotYet "not_yet" TOKEN_EARLY Info "the token is not valid yet; check the clocks of panel and gateway (NTP)";
    TokenScope "scope" TOKEN_SCOPE Warn "the issuer may not open this cluster, kind or vmid; see its clusters, kinds and vmids";
    TokenReplay "replay" TOKEN_USED Info "the token was used before; a panel makes a new one for each open, and a balancer must not repeat the request";
    TokenBeforeBoot "before_boot" TOKEN_OLD Info "the token or ticket is older than what the store remembers: than this gateway's start, or than the start or fail-over of the fleet's Redis; a new link is not";
    TokenRevoked "revoked" TOKEN_REVOKED Info "the token, its subject or its guest was revoked";
    TokenAssurance "assurance" TOKEN_ASSURANCE Info "the panel must have the customer sign in as the issuer's require_amr and require_acr ask, and say so in amr and acr";
    TokenBinding "binding" TOKEN_BOUND Info "the claim origin must be the origin of the page that opens the console, and one of the issuer's origins";
    TicketRefused "ticket" TOKEN_REJECTED Info "the session ticket is not ours, is expired or was made with another session key";
    ResumeExpired "resume_expired" RESUME_EXPIRED Info "the resume token came later than session.resume_seconds after the cut, or its session is unknown";
    OriginMissing "origin_missing" ORIGIN Info "no Origin; a client that is not a browser sends its token in Authorization";
    OriginRefused "origin" ORIGIN Info "add the page's origin to the issuer's origins: scheme, host and port as in the browser";

    BadRequest "bad_request" BAD_REQUEST Info "the request breaks HTTP or the upgrade rules of RFC 6455";
    NotFound "not_found" NOT_FOUND Info "there is no such path";
    MethodNotAllowed "method" METHOD Info "the path does not take this method";
    UpgradeRequired "upgrade_required" UPGRADE Info "a plain request came to the WebSocket path, or the version is not 13";
    HostUnknown "host" HOST Info "the Host header does not name public_url";
    RequestTooLarge "too_large" TOO_LARGE Info "headers, target or token are above their limit";
    ExpectationFailed "expect" EXPECTATION Info "an Expect header came; none is supported";
    HeaderTimeout "header_timeout" REQUEST_TIMEOUT Info "the request's head took longer than timeouts.header";
    ClientLimit "limit_client" LIMIT_CLIENT Warn "too many unauthenticated connections of one address; see limits.per_client";
    ProxyPeer "proxy_peer" BAD_REQUEST Info "the listener takes PROXY headers, and the connection came from outside of listen.trusted_proxies; add the balancer's network there, and keep everybody else from the port";
    ProxyHeader "proxy_header" BAD_REQUEST Warn "a trusted proxy's connection did not begin with a good PROXY header; have the balancer send the version that listen.proxy_protocol names (HAProxy: send-proxy is v1, send-proxy-v2 is v2), in its health checks too";

    AdminToken "admin_token" TOKEN_REJECTED Warn "send Authorization: Bearer with a token whose SHA-256 is in an [[admin.token]] that has not expired; one that was just written there counts after systemctl reload consolegate";
    AdminScope "admin_scope" POWER_REFUSED Warn "the [[admin.token]] lacks the scope for this: read, kill, drain or revoke; add it to its scopes, and systemctl reload consolegate";
    AdminHost "admin_host" HOST Warn "a browser asks, or by a name that is not in admin.hosts; ask by IP address, as localhost, or add the name";

    PowerDenied "power_denied" POWER_REFUSED Info "the token has no power right, or its console is a host; a host is never switched from here";
    PowerPace "power_pace" POWER_PACE Info "a guest is switched more often than once in two seconds, by whatever sessions";
    ContainerReset "container_reset" BAD_REQUEST Info "a reset was asked of a container, which has none; stop and start it";

    GatewayFull "gateway_full" OVERLOADED Warn "limits.sessions is reached, or as many connections as the process has file descriptors for (LimitNOFILE, ulimit -Hn); add a gateway or raise it";
    StoreFull "store_full" OVERLOADED Error "the store of used tokens is full, and refuses rather than forget one; look for the panel that makes so many tokens";
    StoreDown "store_down" OVERLOADED Error "the store of used tokens does not answer, and no token is accepted without it; the log line \"the store cannot be used\" has the cause";
    OutcomeUnknown "outcome_unknown" OVERLOADED Error "an operator's kill or revocation holds at this gateway, and the store was told and did not say in time that it heard; it is told until it does; ask again, which is safe: what was done stays done, and a session that is over answers 404";
    Draining "draining" DRAINING Info "the gateway drains; another one of the fleet takes over";
    Shutdown "shutdown" GOING_AWAY Info "the gateway stops now";
    Internal "internal" INTERNAL Error "a bug of the gateway; the log line above it has the cause";
    LimitGuest "limit_guest" LIMIT_GUEST Info "limits.per_guest is reached";
    ResumeRate "resume_rate" OVERLOADED Info "a session is resumed faster than any page does; the same token is good again in a few seconds";
    LimitSubject "limit_subject" LIMIT_SUBJECT Info "limits.per_subject is reached";
    LimitNode "limit_node" LIMIT_NODE Warn "limits.per_node is reached; raise MAX_WORKERS of pveproxy and the limit together";

    ClientClosed "client_closed" CLOSED Info "the browser closed the console";
    ClientGone "client_gone" CLOSED Info "the browser's connection ended without a close frame";
    GuestEnded "guest_ended" GUEST_ENDED Info "the node ended the console though the guest still runs";
    NoTerminal "no_terminal" NO_TERMINAL Info "the guest's terminal ended as soon as it opened though the guest runs; a VM needs a serial port (qm set VMID --serial0 socket)";
    Idle "idle" IDLE Info "nobody typed or moved for the idle limit";
    Lifetime "session_over" LIFETIME Info "max_seconds is reached";
    Killed "killed" KILLED Info "an operator killed the session";
    Revoked "session_revoked" KILLED Info "a revocation matched the live session";
    TakenOver "taken_over" TAKEN_OVER Info "a resume of the same session took over";
    ClientStalled "client_stalled" STALLED Info "the browser did not read for timeouts.stall";
    NodeStalled "node_stalled" STALLED Warn "the node did not read for timeouts.stall";
    ClientDead "client_dead" STALLED Info "the browser answered no ping for timeouts.dead";
    ClientHandshakeTimeout "client_handshake_timeout" STALLED Info "the browser did not finish the VNC handshake within timeouts.handshake";

    WsUnmasked "ws_unmasked" PROTOCOL Info "a client frame was not masked (RFC 6455 5.1)";
    WsRsv "ws_rsv" PROTOCOL Info "a reserved bit was set although no extension was negotiated (RFC 6455 5.2)";
    WsOpcode "ws_opcode" PROTOCOL Info "a reserved opcode (RFC 6455 5.2)";
    WsControl "ws_control" PROTOCOL Info "a control frame was fragmented or over 125 bytes (RFC 6455 5.5)";
    WsLength "ws_length" PROTOCOL Info "a payload length was not minimal or had its top bit set (RFC 6455 5.2)";
    WsFragment "ws_fragment" PROTOCOL Info "a continuation without a start, or a new message inside one (RFC 6455 5.4)";
    WsClose "ws_close" PROTOCOL Info "a close frame with an impossible body or code (RFC 6455 7.4)";
    WsUtf8 "ws_utf8" UTF8 Info "a text message or a close reason that is not UTF-8 (RFC 6455 8.1)";
    WsText "ws_text" FRAME_TYPE Info "a text frame on a VNC session";
    WsTooBig "ws_too_big" TOO_BIG Info "a frame above 16 MiB";
    WsFlood "ws_flood" POLICY Info "more pings, empty or tiny frames a second than any person makes";
    RfbClient "rfb_client" PROTOCOL Info "the browser broke the RFB handshake";
    RfbEarly "rfb_early" PROTOCOL Info "the browser sent more than 1 KiB before the console was ready";
    RfbUnknown "rfb_unknown" POLICY Info "the browser sent an RFB message of unknown length in a session whose rights are filtered; what follows it cannot be judged";
    RfbValue "rfb_value" POLICY Info "the browser sent a pixel format or a number of encodings that no viewer sends, in a session whose rights are filtered";

    TermClient "term_client" PROTOCOL Info "the browser broke the framing of termproxy: input, sizes, signs of life";
    TermEarly "term_early" POLICY Info "the browser sent more than 4 KiB before its terminal was ready";

    GuestPace "guest_pace" OVERLOADED Info "consoles of one guest are opened faster than its node should be asked for them";
    GuestNotFound "guest_not_found" GUEST_NOT_FOUND Info "Proxmox knows no such guest of this kind (qemu is a VM, lxc a container), or the credential lacks VM.Audit on it";
    GuestStopped "guest_stopped" GUEST_STOPPED Info "the guest is not running";
    GuestLocked "guest_locked" GUEST_LOCKED Info "the guest is locked by a backup, migration or clone";
    GuestMoved "guest_moved" HOST_DOWN Info "the guest moved to another node; a reconnect finds it there";

    NodeRefused "node_refused" HOST_DOWN Warn "the node refused the connection; is pveproxy running at that address and port";
    NodeUnreachable "node_unreachable" HOST_DOWN Warn "no route, no name or no answer to the connection within timeouts.node_connect; correct the node's address, or let the gateway through to it (port 8006)";
    NodeDown "node_down" HOST_DOWN Warn "Proxmox says the guest's node does not answer (595, 596, 599 or 503); see pvecm status on another node, and the node itself";
    NodeSlow "node_slow" HOST_SLOW Warn "the node did not answer within timeouts.node_answer; look at its load, and at pveproxy's workers (MAX_WORKERS)";
    NodeHandshakeTimeout "node_handshake_timeout" HOST_SLOW Warn "the console did not become ready within timeouts.handshake; Proxmox waits only 10 s itself";
    NodeDead "node_dead" HOST_SLOW Warn "the node answered no ping for timeouts.dead";
    NodeTls "node_tls" HOST_REFUSED Warn "what answers at the node's address does not speak TLS as pveproxy does; the address must be that of pveproxy, on port 8006 by default: openssl s_client -connect ADDRESS shows what is there";
    NodeTlsStream "node_tls_stream" HOST_REFUSED Warn "the node's TLS stream broke in the middle of a session";
    NodeCert "node_cert" HOST_REFUSED Warn "the node's certificate is not the pinned or trusted one; compare the fingerprint that was seen (the log has it, consolegate doctor shows it) with pvenode cert info on the node; only where they are the same, write it as fingerprint of its [[cluster.node]], or remove fingerprint there and give ca_file of its [[cluster]] a copy of /etc/pve/pve-root-ca.pem of any node, in the place of tls where that is set; if they differ, something else answers at that address";
    NodeMoved "node_moved" HOST_REFUSED Warn "the second call reached another host than the first; configure node addresses, never a shared one";
    NodeUpgrade "node_upgrade" HOST_REFUSED Warn "the node answered the WebSocket upgrade wrongly";
    NodeWs "node_ws" HOST_REFUSED Warn "the node sent a frame that pveproxy never sends";
    NodeReset "node_reset" HOST_REFUSED Warn "the node reset the console's connection";
    NodeCut "node_cut" HOST_REFUSED Warn "the node ended the console in the middle of a frame or of its handshake";
    NodeFull "node_full" LIMIT_NODE Warn "the node has no free console port in 5900 to 5999";
    PveAuth "pve_auth" HOST_REFUSED Warn "Proxmox refused the credential; the role needs VM.Console and VM.Audit on the guest, for user and token";
    PvePower "pve_power" POWER_REFUSED Warn "Proxmox does not let the credential switch the guest; the role needs VM.PowerMgmt on it, for user and token";
    PveTicket "pve_ticket" HOST_REFUSED Warn "Proxmox refused its own VNC ticket; check the node's clock against the others (20 s is too much)";
    PveAnswer "pve_answer" HOST_REFUSED Warn "Proxmox answered something that is not a console answer";
    PveRedirect "pve_redirect" HOST_REFUSED Warn "the node answered with a redirect; configure the address of pveproxy itself, with https on port 8006";
    Identity "identity" HOST_REFUSED Warn "the answer names another guest or user than was asked for";
    RfbRefused "rfb_refused" HOST_REFUSED Warn "the guest's VNC server offered no security type";
    RfbInsecureUpstream "rfb_insecure_upstream" HOST_REFUSED Warn "the VNC server behind the ticket asks for no password: this is not the console Proxmox opened";
    RfbNoType "rfb_no_type" HOST_REFUSED Warn "the VNC server offers no VNC authentication; remove QEMU VNC options such as tls or sasl";
    RfbAuth "rfb_auth" HOST_REFUSED Warn "the VNC password was refused, twice; something else opens consoles of this guest at the same moment";
    TermRefused "term_refused" HOST_REFUSED Warn "the node ended the terminal instead of saying OK; before qemu-server 9.1.7 or 8.4.7, pve-container 6.1.3 or 5.3.4 and pve-manager 9.1.9 or 8.4.19 terminals refuse API tokens: update, or configure a user and password";
    TermAnswer "term_answer" HOST_REFUSED Warn "the node's terminal answered the login with something else than OK";
    ShellToken "shell_token" HOST_REFUSED Warn "this host shell takes no API token: its screen never does, its terminal only from pve-manager 9.0.13 on; configure a user and password";
    RfbVersion "rfb_version" HOST_REFUSED Warn "the console does not speak RFB 3.7 or 3.8";
}

impl Reason {
    /// Whether the page may come back to a session that ended so with its resume token. After any other end the panel is
    /// asked again: a limit of the gateway passes, but a kill or a refusal must not be undone by reconnecting.
    #[must_use]
    pub fn may_resume(self) -> bool {
        self.public().may_return
    }

    /// Whether a token, ticket or resume token was refused, for itself or for the page that brought it; as opposed to
    /// the request around it, the gateway's state or the console behind it.
    #[must_use]
    pub const fn is_token(self) -> bool {
        matches!(
            self,
            Self::TokenMissing
                | Self::TokenMalformed
                | Self::TokenAmbiguous
                | Self::TokenAlgorithm
                | Self::TokenSignature
                | Self::TokenKeyId
                | Self::KeysStale
                | Self::TokenHeader
                | Self::TokenIssuer
                | Self::TokenIssuerKey
                | Self::TokenType
                | Self::TokenClaimType
                | Self::TokenClaimValue
                | Self::TokenKind
                | Self::TokenPlaintextSecret
                | Self::TokenAudience
                | Self::TokenLifetime
                | Self::TokenExpired
                | Self::TokenNotYet
                | Self::TokenScope
                | Self::TokenReplay
                | Self::TokenBeforeBoot
                | Self::TokenRevoked
                | Self::TokenAssurance
                | Self::TokenBinding
                | Self::TicketRefused
                | Self::ResumeExpired
                | Self::OriginMissing
                | Self::OriginRefused
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A reason with its cause in the operator's words. The cause goes to the log alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {cause}")]
pub struct Failure {
    /// Which of the closed list.
    pub reason: Reason,
    /// What happened, for the log; never a secret, never shown outside.
    pub cause: String,
}

impl Failure {
    /// A failure with its cause.
    pub fn new(reason: Reason, cause: impl Into<String>) -> Self {
        Self { reason, cause: cause.into() }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self { reason, cause: reason.cure().to_owned() }
    }
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        Self::new(Reason::Internal, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn words_are_unique_and_fit_labels() {
        let mut seen = HashSet::new();
        for reason in Reason::ALL {
            assert!(seen.insert(reason.word()), "{reason} twice");
            assert!(reason.word().bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()));
        }
        assert!(seen.len() > 80);
    }

    #[test]
    fn the_reasons_before_the_requests_are_the_tokens() {
        let first = Reason::ALL.iter().position(|reason| *reason == Reason::BadRequest).unwrap();
        for (at, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.is_token(), at < first, "{reason}");
        }
    }

    #[test]
    fn every_failed_signature_looks_the_same_outside() {
        use Reason::*;
        for reason in [
            TokenMissing,
            TokenMalformed,
            TokenAlgorithm,
            TokenSignature,
            TokenKeyId,
            KeysStale,
            TokenHeader,
            TokenIssuer,
        ] {
            assert_eq!(reason.public(), TokenMissing.public());
        }
    }

    #[test]
    fn sessions_come_back_from_what_passes_and_from_nothing_else() {
        use Reason::*;
        for reason in
            [LimitGuest, LimitSubject, LimitNode, NodeFull, ClientClosed, ClientGone, GuestEnded, GuestStopped]
        {
            assert!(reason.may_resume(), "{reason}");
        }
        for reason in
            [NoTerminal, Internal, WsOpcode, WsFlood, WsTooBig, Killed, TakenOver, Idle, Lifetime, GuestNotFound]
        {
            assert!(!reason.may_resume(), "{reason}");
        }
        for reason in Reason::ALL {
            assert!(!reason.is_token() || !reason.may_resume(), "{reason}");
            assert!(!reason.public().retryable || reason.may_resume(), "{reason}");
        }
    }

    #[test]
    fn close_codes_are_the_documented_ones() {
        let known = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 4401, 4403, 4404, 4423, 4408, 4410, 4409, 4429,
            4502, 4503, 4504, 4508,
        ];
        for reason in Reason::ALL {
            assert!(known.contains(&reason.public().close), "{reason}");
        }
    }
}
