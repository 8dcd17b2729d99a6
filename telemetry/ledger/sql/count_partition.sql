-- How many calls a partition holds, every one counted.
SELECT count(*) FROM {partition}
