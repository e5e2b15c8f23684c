import argparse
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.gateways import GatewayTrial
from tests.chaos.room import free_mb, needed_mb, room_for
from tests.chaos.saves import SavesTrial
from tests.chaos.trial import Trial
from tests.faults.product import Product, scratch_state


def say(line: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
    sys.stdout.flush()


def as_many_as_fit(wanted: int) -> tuple[int, str]:
    """And, where that isn't all, why."""
    free = free_mb()
    count = room_for(wanted, free)
    if count >= wanted:
        return count, ""
    why = f", as {wanted} need {needed_mb(wanted):,} MB of memory and {free:,.0f} MB are free"
    if not count and wanted:
        sys.exit(f"No gateways at all{why}: end something else, or try it on a larger machine.")
    say(f"ONLY {count} gateways{why}.")
    return count, why


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos", description="Kill parts of the product and watch it heal.")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--gateways", type=int, default=100)
    parser.add_argument("--saves", type=int, default=300)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="the same victims again")
    parser.add_argument("--log", type=Path, help="where all that the product said goes")
    options = parser.parse_args()
    count, too_few = as_many_as_fit(options.gateways)
    say(f"seed {options.seed}, {options.rounds} rounds, {count} gateways{too_few}")
    with scratch_state() as state:
        product = Product(state, settings="tests.chaos.settings")
        product.start()
        try:
            product.wait_started()
            product.wait_until_healthy(30)
            outcome = GatewayTrial(product, seed=options.seed, count=count, say=say).run() if count else None
            saves = (
                SavesTrial(product, seed=options.seed, say=say, saves=options.saves).run() if options.saves else None
            )
            result = Trial(product, seed=options.seed, say=say).run(options.rounds) if options.rounds else None
            code = product.stop()
            assert code == 0, f"stopped with {code}"
            product.assert_nothing_left()
        except AssertionError as error:
            sys.exit(f"Failed with seed {options.seed}: {error}")
        finally:
            product.end()
            if options.log:
                options.log.write_text(product.log())
    for told in filter(None, (outcome, saves, result)):
        say(told.told())
    if too_few:
        say(f"NOT ALL OF IT: {count} gateways{too_few}")


if __name__ == "__main__":
    main()
