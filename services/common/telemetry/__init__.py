"""What a process tells of itself: numbers to Prometheus, spans to a collector of OpenTelemetry.

Never whose work it is, what was asked for, or anything else without a bound: names and labels are those of
docs/metrics.md, and a test keeps it so.
"""
