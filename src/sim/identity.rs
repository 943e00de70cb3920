//! Who asks, and what they may: users, one API token, ACLs (protocol reference section 4).

use super::form::decode;
use super::http::{Answer, Request};
use super::tickets::{Tickets, uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The user whose token the gateway uses.
pub(super) const USER: &str = "gate@pve";
/// That token.
pub(super) const TOKEN: &str = "gate@pve!console";
/// The password of each user.
pub(super) const PASSWORD: &str = "simulated";
/// The users of a cluster.
const USERS: [&str; 2] = ["root@pam", USER];

/// What the default identity holds on every path.
const EVERYTHING: [&str; 6] = ["VM.Audit", "VM.Console", "VM.PowerMgmt", "Sys.Audit", "Sys.Console", "Sys.Modify"];

/// A checked identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// `user@realm`, or `user@realm!token`.
    pub(super) name: String,
    pub(super) is_token: bool,
}

impl Identity {
    /// The user alone.
    pub(super) fn user(&self) -> &str {
        self.name.split_once('!').map_or(&self.name, |(user, _)| user)
    }
}

/// Users, tokens and ACLs.
#[derive(Debug)]
pub(super) struct Access {
    secret: String,
    privsep: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    token_enabled: bool,
    roles: BTreeMap<String, BTreeSet<String>>,
    /// By subject and path.
    acl: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Access {
    pub(super) fn new(privsep: bool) -> io::Result<Self> {
        let everything: BTreeSet<String> = EVERYTHING.map(str::to_owned).into();
        let acl = ["root@pam", USER, TOKEN].map(|subject| ((subject.to_owned(), "/".to_owned()), everything.clone()));
        let state = State {
            token_enabled: true,
            roles: BTreeMap::from([("Administrator".to_owned(), everything.clone())]),
            acl: acl.into(),
        };
        Ok(Self { secret: uuid()?, privsep, state: Mutex::new(state) })
    }

    /// The token's secret.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enable_token(&self, enabled: bool) {
        self.lock().token_enabled = enabled;
    }

    pub(super) fn set_privileges(&self, subject: &str, path: &str, privileges: BTreeSet<String>) {
        self.lock().acl.insert((subject.to_owned(), path.to_owned()), privileges);
    }

    pub(super) fn delete_acl(&self, subject: &str, path: &str) {
        self.lock().acl.remove(&(subject.to_owned(), path.to_owned()));
    }

    pub(super) fn set_role(&self, role: &str, privileges: BTreeSet<String>) {
        self.lock().roles.insert(role.to_owned(), privileges);
    }

    pub(super) fn role(&self, role: &str) -> Option<BTreeSet<String>> {
        self.lock().roles.get(role).cloned()
    }

    /// Who sends a request: cookie, then ticket or token in `Authorization`.
    pub(super) fn identify(&self, request: &Request, tickets: &Tickets, now: i64) -> Result<Identity, Answer> {
        let authorization = request.header("authorization").unwrap_or_default();
        let ticket = cookie(request).or_else(|| value_of(authorization, "PVEAuthCookie"));
        if let Some(ticket) = ticket {
            return self.of_ticket(request, &ticket, tickets, now);
        }
        let Some(token) = value_of(authorization, "PVEAPIToken") else {
            return Err(Answer::unauthenticated("No ticket"));
        };
        let good = token.strip_prefix(TOKEN).and_then(|rest| rest.strip_prefix('=')) == Some(&*self.secret);
        if !good || !self.lock().token_enabled {
            return Err(Answer::unauthenticated("Authentication failed!"));
        }
        Ok(Identity { name: TOKEN.to_owned(), is_token: true })
    }

    fn of_ticket(&self, request: &Request, ticket: &str, tickets: &Tickets, now: i64) -> Result<Identity, Answer> {
        let user = tickets.check_login(ticket, now).filter(|user| USERS.contains(&user.as_str()));
        let Some(name) = user else {
            return Err(Answer::unauthenticated("Authentication failed!"));
        };
        let csrf = request.header("csrfpreventiontoken").unwrap_or_default();
        if request.method != "GET" && !tickets.check_csrf(csrf, &name, now) {
            return Err(Answer::unauthenticated("Permission denied - invalid csrf token"));
        }
        Ok(Identity { name, is_token: false })
    }

    /// Whether a user may sign in with a password.
    pub(super) fn password_is_good(user: &str, password: &str) -> bool {
        USERS.contains(&user) && password == PASSWORD
    }

    /// What an identity may on a path: a token with privileges of its own is bounded by its user's.
    pub(super) fn privileges(&self, identity: &Identity, path: &str) -> BTreeSet<String> {
        let state = self.lock();
        let users = held(&state, identity.user(), path);
        if !identity.is_token || !self.privsep {
            return users;
        }
        held(&state, &identity.name, path).intersection(&users).cloned().collect()
    }

    pub(super) fn may(&self, identity: &Identity, path: &str, privilege: &str) -> bool {
        self.privileges(identity, path).contains(privilege)
    }

    /// 403 as Proxmox words it.
    pub(super) fn demand(&self, identity: &Identity, path: &str, privilege: &str) -> Result<(), Answer> {
        if self.may(identity, path, privilege) {
            return Ok(());
        }
        Err(Answer::error(403, &format!("Permission check failed ({path}, {privilege})")))
    }
}

/// The nearest entry on the way from the path up to `/` counts.
fn held(state: &State, subject: &str, path: &str) -> BTreeSet<String> {
    let mut at = path;
    loop {
        if let Some(privileges) = state.acl.get(&(subject.to_owned(), at.to_owned())) {
            return privileges.clone();
        }
        if at == "/" || at.is_empty() {
            return BTreeSet::new();
        }
        at = at.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    }
}

fn cookie(request: &Request) -> Option<String> {
    let all = request.header("cookie")?;
    all.split(';').find_map(|part| part.trim().strip_prefix("PVEAuthCookie=")).map(decode)
}

/// `name=value` or `name value` up to `;`, percent-decoded.
fn value_of(header: &str, name: &str) -> Option<String> {
    let rest = header.trim().strip_prefix(name)?.strip_prefix(['=', ' '])?;
    Some(decode(rest.split(';').next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sim_06_a_token_never_holds_more_than_its_user() {
        let access = Access::new(true).unwrap();
        let token = Identity { name: TOKEN.into(), is_token: true };
        let privileges = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        access.set_privileges(USER, "/vms", privileges(&["VM.Audit"]));
        assert_eq!(access.privileges(&token, "/vms/100"), privileges(&["VM.Audit"]));
        access.set_privileges(TOKEN, "/vms/100", privileges(&["VM.Console"]));
        assert_eq!(access.privileges(&token, "/vms/100"), privileges(&[]));
        assert_eq!(access.privileges(&token, "/vms/101"), privileges(&["VM.Audit"]));
    }
}
