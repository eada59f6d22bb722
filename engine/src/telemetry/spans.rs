//! Spans of `tracing`: one for the run, and one in it for each stage. Whoever exports them sees where the time of a
//! night goes.

use std::sync::{Mutex, PoisonError};

use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::run_id::RunId;
use crate::telling::{Event, Listener, What};

/// Opens and closes the spans of a run. They are entered by the thread that tells of the stages, so that what it
/// opens itself meanwhile lies within them.
pub struct Spans {
    run_id: RunId,
    series: String,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    run: Option<Span>,
    stage: Option<Span>,
}

impl Spans {
    /// Nothing is open yet.
    pub fn new(run_id: RunId, series: &str) -> Self {
        Self { run_id, series: series.to_owned(), open: Mutex::default() }
    }
}

impl Listener for Spans {
    fn hear(&self, event: &Event<'_>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match event.what {
            What::Begun { .. } => {
                leave(open.stage.take());
                leave(open.run.take());
                open.run = enter(info_span!(
                    parent: None,
                    "run",
                    run_id = %self.run_id,
                    business_date = %event.business_date,
                    series = self.series,
                    exit_code = Empty,
                    otel.status_code = Empty,
                    otel.status_description = Empty,
                ));
            }
            What::Stage(stage) => {
                leave(open.stage.take());
                open.stage = enter(info_span!("stage", otel.name = stage.name()));
            }
            _ => {}
        }
        if let Some(code) = event.what.exit_code() {
            leave(open.stage.take());
            if let Some(run) = &open.run {
                run.record("exit_code", code);
                if let What::Failed { why, .. } = event.what {
                    run.record("otel.status_code", "ERROR").record("otel.status_description", why);
                }
            }
            leave(open.run.take());
        }
    }
}

/// Enters a span; its guard cannot be kept, since it belongs to a thread.
fn enter(span: Span) -> Option<Span> {
    span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
    Some(span)
}

fn leave(span: Option<Span>) {
    if let Some(span) = span {
        span.with_subscriber(|(id, dispatch)| dispatch.exit(id));
    }
}
