printf h > a; ln a b
