-- Takes nothing.

return report(0)
