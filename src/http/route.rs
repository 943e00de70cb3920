//! The paths there are: one closed list, each with its methods. Decides from the path alone.

use crate::api::health::Probe;
use hyper::Method;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'p> {
    /// A balancer's question; it needs no name of ours and takes no place.
    Probe(Probe),
    Route(Route<'p>),
}

impl<'p> Target<'p> {
    pub(super) fn of(path: &'p str) -> Option<Self> {
        match Probe::of(path) {
            Some(probe) => Some(Self::Probe(probe)),
            None => Route::of(path).map(Self::Route),
        }
    }

    /// The methods it takes.
    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::Probe(_) => Probe::ALLOW,
            Self::Route(route) => route.allow(),
        }
    }

    pub(super) const fn route(self) -> Option<Route<'p>> {
        match self {
            Self::Probe(_) => None,
            Self::Route(route) => Some(route),
        }
    }
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'p> {
    Page,
    Asset(&'p str),
    Brand(&'p str),
    /// The SDK, for pages of panels.
    Embed(&'p str),
    Sessions,
    /// The session of the path.
    Session(&'p str),
    /// The same.
    Power(&'p str),
    Socket,
}

impl<'p> Route<'p> {
    pub(super) fn of(path: &'p str) -> Option<Self> {
        Some(match path {
            "/console" => Self::Page,
            "/v1/sessions" => Self::Sessions,
            "/v1/ws" => Self::Socket,
            "/embed.js" | "/embed.d.ts" => Self::Embed(path.strip_prefix('/')?),
            _ if path.starts_with("/assets/") => Self::Asset(path.strip_prefix('/')?),
            _ => match path.strip_prefix("/brand/") {
                Some(name) => Self::Brand(name),
                None => Self::of_session(path.strip_prefix("/v1/sessions/")?)?,
            },
        })
    }

    fn of_session(rest: &'p str) -> Option<Self> {
        match rest.split_once('/') {
            None if !rest.is_empty() => Some(Self::Session(rest)),
            Some((session, "power")) if !session.is_empty() => Some(Self::Power(session)),
            _ => None,
        }
    }

    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::Sessions | Self::Power(_) => "POST, OPTIONS",
            Self::Session(_) => "GET, OPTIONS",
            Self::Socket => "GET",
            Self::Page | Self::Asset(_) | Self::Brand(_) | Self::Embed(_) => "GET, HEAD",
        }
    }

    pub(super) fn allows(self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| method == allowed)
    }

    pub(super) const fn takes_json(self) -> bool {
        matches!(self, Self::Power(_))
    }

    /// Pages of other origins may ask and read the answer.
    pub(super) const fn has_cors(self) -> bool {
        matches!(self, Self::Sessions | Self::Session(_) | Self::Power(_))
    }

    /// A console is asked for, so a page's origin matters.
    pub(super) const fn is_api(self) -> bool {
        self.has_cors() || matches!(self, Self::Socket)
    }
}
