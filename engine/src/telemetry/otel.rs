//! Traces for OpenTelemetry: the spans of a run, sent by OTLP over HTTP to where the environment says
//! (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, and what else its specification names).

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter, Tracer};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use super::note;

/// How long the end of the run waits for what is not sent yet.
const LAST: Duration = Duration::from_secs(8);

/// Sends the spans of a run. What is not sent when it is dropped is sent then.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to where the environment says; `None` where it says nothing.
    pub fn begin() -> Option<Self> {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        let endpoints = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        if is_off || !endpoints.into_iter().any(is_set) {
            return None;
        }
        // Another part of the program may have said so before: it is the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match opentelemetry_otlp::SpanExporter::builder().with_http().build() {
            Ok(exporter) => {
                let resource = Resource::builder();
                let resource = match is_set("OTEL_SERVICE_NAME") {
                    true => resource,
                    false => resource.with_service_name("cuadre"),
                };
                let traces = SdkTracerProvider::builder().with_batch_exporter(Noted(exporter));
                Some(Self(traces.with_resource(resource.build()).build()))
            }
            Err(error) => {
                note(&format!("no traces are sent: {error}"));
                None
            }
        }
    }

    /// What takes the spans of `tracing`.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> OpenTelemetryLayer<S, Tracer> {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("cuadre")).with_location(false).with_threads(false)
    }
}

/// Says so where spans are not taken: the library keeps that to itself.
#[derive(Debug)]
struct Noted(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Noted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.0.export(batch).await;
        sent.inspect_err(|error| note(&format!("{spans} spans are lost: {error}")))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            note(&format!("traces are not sent, or not all: {error}"));
        }
    }
}
