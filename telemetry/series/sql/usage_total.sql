-- The sums of a window.
SELECT {sums}
FROM {rows}
WHERE true {filters}
