//! Comparing text as people sort it.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use deno_core::{OpDecl, op2};
use icu_collator::options::{AlternateHandling, CaseLevel, CollatorOptions, Strength};
use icu_collator::preferences::{CollationCaseFirst, CollationNumericOrdering};
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use icu_locale::Locale;
use serde::Serialize;

use crate::engine::CAPABILITIES;

/// More collators than this are not kept.
const KEPT: usize = 16;
/// What `op_cowry_compare` answers for a locale that is none.
const NO_LOCALE: i32 = 2;

pub(super) fn ops() -> Vec<OpDecl> {
    vec![op_cowry_capabilities(), op_cowry_compare()]
}

#[derive(Serialize)]
struct JsCapabilities {
    intl: bool,
}

/// What the bootstrap has to make up for.
#[op2]
#[serde]
fn op_cowry_capabilities() -> JsCapabilities {
    JsCapabilities { intl: CAPABILITIES.intl }
}

thread_local! {
    static COLLATORS: RefCell<HashMap<(String, u32), CollatorBorrowed<'static>>> = RefCell::default();
}

/// Compares by a locale's order. Bits of `flags`: 0–1 sensitivity (base, accent, case, variant), 2 numeric,
/// 3 punctuation ignored, 4–5 case first (upper, lower, neither), 6 and 7: numeric and case first as the locale says.
#[op2(fast)]
#[smi]
fn op_cowry_compare(#[string] a: &str, #[string] b: &str, #[string] locale: &str, #[smi] flags: u32) -> i32 {
    COLLATORS.with_borrow_mut(|collators| {
        let key = (locale.to_owned(), flags);
        if !collators.contains_key(&key) {
            let Some(collator) = collator(locale, flags) else { return NO_LOCALE };
            if collators.len() >= KEPT {
                collators.clear();
            }
            collators.insert(key.clone(), collator);
        }
        match collators[&key].compare(a, b) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }
    })
}

fn collator(locale: &str, flags: u32) -> Option<CollatorBorrowed<'static>> {
    let locale: Locale = locale.parse().ok()?;
    let mut preferences = CollatorPreferences::from(&locale);
    if flags & 64 == 0 {
        let numeric = flags & 4 != 0;
        preferences.numeric_ordering =
            Some(if numeric { CollationNumericOrdering::True } else { CollationNumericOrdering::False });
    }
    if flags & 128 == 0 {
        preferences.case_first = Some(match (flags >> 4) & 3 {
            0 => CollationCaseFirst::Upper,
            1 => CollationCaseFirst::Lower,
            _ => CollationCaseFirst::False,
        });
    }
    let mut options = CollatorOptions::default();
    (options.strength, options.case_level) = match flags & 3 {
        0 => (Some(Strength::Primary), Some(CaseLevel::Off)),
        1 => (Some(Strength::Secondary), Some(CaseLevel::Off)),
        2 => (Some(Strength::Primary), Some(CaseLevel::On)),
        _ => (Some(Strength::Tertiary), Some(CaseLevel::Off)),
    };
    if flags & 8 != 0 {
        options.alternate_handling = Some(AlternateHandling::Shifted);
    }
    Collator::try_new(preferences, options).ok()
}
