package manifest

// Icon is an icon as it is in the package.
var Icon = icon
