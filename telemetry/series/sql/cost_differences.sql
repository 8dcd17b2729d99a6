-- Models whose calls in a window cost something else by us than somebody reported, calls with both costs only.
SELECT model, sum(compared_calls) AS calls, sum(compared_reported_nanousd) AS reported,
       sum(compared_computed_nanousd) AS computed
FROM {rows}
WHERE compared_calls > 0 {filters}
GROUP BY 1
HAVING abs(sum(compared_computed_nanousd) - sum(compared_reported_nanousd)) * 100
       > %(percent)s * sum(compared_reported_nanousd)
ORDER BY abs(sum(compared_computed_nanousd) - sum(compared_reported_nanousd)) DESC, 1
