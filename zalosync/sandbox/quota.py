"""GET of a sender's quota: what Zalo still takes today and this month."""

from zalosync.sandbox import answers
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.schedule import day_of, month_of
from zalosync.sandbox.world import World


def get(world: World, sender: str, now: int) -> Reply:
    """Daily quota and monthly promotion quota, and what is left of each."""
    if not world.has_sender(sender):
        return answers.api_error("ZALO-RSA404")
    settings = world.settings
    daily, monthly = settings.daily_quota, settings.monthly_promotion_quota
    return answers.ok(
        {
            "dailyQuota": daily,
            "remainingDailyQuota": max(0, daily - world.used(f"daily:{sender}", day_of(now))),
            "monthlyPromotionQuota": monthly,
            "remainingMonthlyPromotionQuota": max(
                0, monthly - world.used(f"promotion:{sender}", month_of(now))
            ),
            "estimatedNextMonthPromotionQuota": monthly,
        }
    )
