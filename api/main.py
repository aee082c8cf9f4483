"""The API's composition root: builds the adapters, and serves the application."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters import temporal, vies
from adapters.document_stores import open_store
from adapters.documents.fonts import FontLibrary
from adapters.export import MerchantExport
from adapters.mail.reports import read_reports
from adapters.postgres import database
from adapters.postgres.audits import PostgresSeriesAudit
from adapters.postgres.books import PostgresBooks
from adapters.postgres.cases import PostgresCases
from adapters.postgres.deliveries import PostgresDeliveryBook
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.monitor import PostgresMonitor
from adapters.postgres.reader import PostgresReader
from adapters.stripe.webhooks import StripeWebhooks
from adapters.vat_ids import is_vat_id
from adapters.vies import Vies
from api.app import Services, create_app
from api.codec import create_codec
from api.correction_runs import TemporalCorrectionRuns
from api.invoice_runs import TemporalInvoiceRuns
from api.metrics import create_metrics
from api.refund_runs import TemporalRefundRuns
from api.resend_runs import TemporalResendRuns
from api.runs import TemporalRuns
from api.settlement_runs import TemporalLinkRuns, TemporalSettlementRuns
from settings import Environment, Settings

DATABASE_AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError, PoolTimeout)


@asynccontextmanager
async def application(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application on real adapters; what it opened is closed at the end."""
    engine = database.connect(settings.database.url, pool_size=settings.database.pool_size)
    client = await temporal.connect(
        settings.temporal.address,
        namespace=settings.temporal.namespace,
        keys={name: key.get_secret_value() for name, key in settings.payload_keys.items()},
        api_key=settings.temporal.api_key.get_secret_value() if settings.temporal.api_key else None,
        tls=settings.temporal.tls,
        lazy=True,
    )
    register = vies.connect(settings.vies.api_base, timeout=settings.vies.timeout_seconds)
    sessions = database.sessions(engine)
    secrets = {
        name: [secret.get_secret_value() for secret in merchant.stripe_webhook_secrets]
        for name, merchant in settings.merchants.items()
    }
    store = open_store(**settings.documents.place())
    services = Services(
        reader=PostgresReader(sessions),
        cases=PostgresCases(sessions),
        books=PostgresBooks(sessions),
        runs=TemporalRuns(client, task_queue=settings.temporal.task_queue),
        refunds=TemporalRefundRuns(client, task_queue=settings.temporal.task_queue),
        corrections=TemporalCorrectionRuns(client, task_queue=settings.temporal.task_queue),
        series=PostgresSeriesAudit(sessions, store),
        ledger=PostgresLedger(sessions),
        settlements=TemporalSettlementRuns(client, task_queue=settings.temporal.task_queue),
        links=TemporalLinkRuns(client, task_queue=settings.temporal.task_queue),
        invoice_runs=TemporalInvoiceRuns(client, task_queue=settings.temporal.task_queue),
        inbox=PostgresInbox(sessions),
        webhooks=StripeWebhooks(secrets),
        resends=TemporalResendRuns(client, task_queue=settings.temporal.task_queue),
        deliveries=PostgresDeliveryBook(sessions, mail_domain=settings.mail.sender.partition("@")[2]),
        read_reports=read_reports,
        report_token=settings.mail.report_token.get_secret_value() if settings.mail.report_token else None,
        documents=store,
        exporter=MerchantExport(sessions, store),
        undrawable=FontLibrary(settings.documents.font_directory).undrawable,
        is_vat_id=is_vat_id,
        vat_register=Vies(register),
        result_keys={name: merchant.result_key.get_secret_value() for name, merchant in settings.merchants.items()},
    )
    ui = f"{settings.temporal.ui_url.rstrip('/')}/namespaces/{settings.temporal.namespace}"
    try:
        app = create_app(
            services,
            public_url=settings.api.public_url,
            workflow_ui=ui,
            provider_origins=(_payment_pages(settings),),
            sandbox=settings.environment is Environment.SANDBOX,
            transient_faults=DATABASE_AWAY,
        )
        _mount_codec(app, settings)
        _add_metrics(app, PostgresMonitor(sessions), settings)
        yield app
    finally:
        await register.aclose()
        await engine.dispose()


def _mount_codec(app: FastAPI, settings: Settings) -> None:
    token = settings.api.operator_token.get_secret_value() if settings.api.operator_token else None
    if token is None and settings.environment is Environment.PRODUCTION:
        return
    keys = {name: key.get_secret_value() for name, key in settings.payload_keys.items()}
    ui = urlsplit(settings.temporal.ui_url)
    app.mount("/codec", create_codec(temporal.codec(keys), ui_origin=f"{ui.scheme}://{ui.netloc}", token=token))


def _add_metrics(app: FastAPI, monitor: PostgresMonitor, settings: Settings) -> None:
    token = settings.api.operator_token.get_secret_value() if settings.api.operator_token else None
    if token is not None or settings.environment is Environment.SANDBOX:
        app.add_route("/metrics", create_metrics(monitor, token=token), include_in_schema=False)


def _payment_pages(settings: Settings) -> str:
    """The origin of the provider's hosted pages; the stand-in serves them where its API is."""
    if settings.environment is Environment.PRODUCTION:
        return "https://checkout.stripe.com"
    base = urlsplit(settings.stripe.api_base)
    return f"{base.scheme}://{base.netloc}"


async def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings()  # filled from the environment
    async with application(settings) as app:
        config = uvicorn.Config(
            app,
            host=settings.api.host,
            port=settings.api.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        await uvicorn.Server(config).serve()
