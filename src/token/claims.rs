//! The payload's claims, each with its right JSON type and shape.
//!
//! Owns presence, types and shapes. Knows no issuer but the audience it must name; what an issuer may open is decided in
//! `issuer`.

use super::json::{Json, Object};
use super::shown;
use super::times::Times;
use crate::reason::{Failure, Reason};

/// The claims outside `console`.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) times: Times,
    /// `jti`.
    pub(super) id: String,
    /// `sub`.
    pub(super) subject: String,
    pub(super) origin: Option<String>,
    pub(super) amr: Vec<String>,
    pub(super) acr: Option<String>,
}

impl Claims {
    /// Reads the claims of a payload whose signature holds.
    pub(super) fn read(payload: &Object, audience: &str) -> Result<Self, Failure> {
        check_audience(payload, audience)?;
        let fields = Fields { object: payload, place: "" };
        let times = read_times(&fields)?;
        Ok(Self {
            times,
            id: fields.required_text("jti", is_jti, "16 to 64 visible ASCII characters")?.to_owned(),
            subject: fields
                .required_text("sub", |text| is_line(text, 128), "1 to 128 characters on one line")?
                .to_owned(),
            origin: fields.text("origin")?.map(str::to_owned),
            amr: fields.texts("amr")?.unwrap_or_default().into_iter().map(str::to_owned).collect(),
            acr: fields.text("acr")?.map(str::to_owned),
        })
    }
}

fn check_audience(payload: &Object, audience: &str) -> Result<(), Failure> {
    let cause = match payload.get("aud") {
        Some(Json::Text(text)) if text == audience => return Ok(()),
        Some(Json::Text(text)) => format!("aud is {}, the issuer's audience is {}", shown(text), shown(audience)),
        Some(_) => "aud is not one text; a list is refused even with the right one in it".to_owned(),
        None => "aud is missing".to_owned(),
    };
    Err(Failure::new(Reason::TokenAudience, cause))
}

fn read_times(fields: &Fields<'_>) -> Result<Times, Failure> {
    let expires = fields.integer("exp")?.ok_or_else(|| fields.missing("exp"))?;
    let not_before = fields.integer("nbf")?;
    let issued = fields.integer("iat")?;
    let issued = issued.ok_or_else(|| Failure::new(Reason::TokenLifetime, "iat is missing"))?;
    Ok(Times { issued, expires, not_before })
}

fn is_jti(text: &str) -> bool {
    (16..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// One line of text of 1 to `longest` characters: nothing that ends lines or turns the reading direction.
pub(super) fn is_line(text: &str, longest: usize) -> bool {
    let steers = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(steers)
}

/// Reads an object's members by name; a member of another type is refused, also `null`.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) object: &'a Object,
    /// Put before names in causes: empty or `console.`.
    pub(super) place: &'static str,
}

impl<'a> Fields<'a> {
    /// A text, if there.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        self.read(name, Json::text, "a text")
    }

    /// A list of texts, if there.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, Failure> {
        self.read(name, Json::texts, "a list of texts")
    }

    /// A whole number from 0, if there.
    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.read(name, Json::integer, "a whole number (no quotes, no fraction)")
    }

    /// A text of a shape, if there.
    pub(super) fn shaped(
        &self,
        name: &str,
        fits: impl Fn(&str) -> bool,
        shape: &str,
    ) -> Result<Option<&'a str>, Failure> {
        match self.text(name)? {
            Some(text) if !fits(text) => Err(self.wrong(name, text, shape)),
            other => Ok(other),
        }
    }

    /// A text of a shape.
    pub(super) fn required_text(
        &self,
        name: &str,
        fits: impl Fn(&str) -> bool,
        shape: &str,
    ) -> Result<&'a str, Failure> {
        self.shaped(name, fits, shape)?.ok_or_else(|| self.missing(name))
    }

    /// The refusal of a value of the right type.
    pub(super) fn wrong(&self, name: &str, value: &str, shape: &str) -> Failure {
        let cause = format!("{}{name} is {}, expected {shape}", self.place, shown(value));
        Failure::new(Reason::TokenClaimValue, cause)
    }

    /// The refusal of what is not there.
    pub(super) fn missing(&self, name: &str) -> Failure {
        Failure::new(Reason::TokenClaimType, format!("{}{name} is missing", self.place))
    }

    fn read<T>(
        &self,
        name: &str,
        as_type: impl Fn(&'a Json) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.object.get(name) else { return Ok(None) };
        match as_type(value) {
            Some(value) => Ok(Some(value)),
            None => {
                let cause = format!("{}{name} is not {expected}", self.place);
                Err(Failure::new(Reason::TokenClaimType, cause))
            }
        }
    }
}
