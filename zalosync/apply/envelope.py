"""How a campaign's spec reads on the wire. Pure."""

from zalosync.infobip.wire import Envelope, Window
from zalosync.spec.loaded import LoadedCampaign
from zalosync.spec.model import CampaignSpec


def envelope_of(loaded: LoadedCampaign, webhook_token: str) -> Envelope:
    """What all messages of a campaign share.

    Args:
        loaded: the campaign.
        webhook_token: takes the place of `{token}` in its webhook URL.
    """
    spec = loaded.campaign.spec
    failover, platform, tracking = spec.sms_failover, spec.platform, spec.tracking
    delivery = spec.webhooks.delivery if spec.webhooks else None
    limit = spec.schedule.sending_speed_limit
    validity, failover_validity = spec.validity_period, failover.validity_period if failover else None
    return Envelope(
        sender=spec.sender,
        template=spec.template.name,
        encrypted=spec.encrypted,
        validity=(validity.amount, validity.unit) if validity else None,
        window=window_of(spec),
        platform=(platform.entity_id, platform.application_id) if platform else None,
        sending_mode=spec.sending_mode,
        failover_sender=failover.sender if failover else None,
        failover_validity=(failover_validity.amount, failover_validity.unit) if failover_validity else None,
        webhook_url=delivery.url.replace("{token}", webhook_token) if delivery and delivery.url else None,
        intermediate_report=delivery.intermediate_report if delivery else None,
        notify=delivery.notify if delivery else None,
        content_type="application/json" if delivery and delivery.url else None,
        shorten_url=tracking.shorten_url,
        track_clicks=tracking.track_clicks,
        tracking_url=tracking.tracking_url,
        custom_domain=tracking.custom_domain,
        remove_protocol=tracking.remove_protocol or None,
        campaign_reference_id=loaded.name,
        speed=(limit.amount, limit.time_unit) if limit else None,
    )


def window_of(spec: CampaignSpec) -> Window | None:
    """The delivery window in UTC, by the offset at the time of sending."""
    written = spec.schedule.delivery_time_window
    if written is None:
        return None
    utc = written.utc(spec.schedule.send_at)
    return Window(utc.days, utc.from_time, utc.to_time)
